package app

import (
	"context"
	"errors"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/fault"
	"secretaria/internal/house"
	"secretaria/internal/store"
)

// knowledge is the database as the index of houses, whenever it is there.
type knowledge struct{ m *memory }

var _ house.Index = knowledge{}

// Put implements house.Index.
func (k knowledge) Put(ctx context.Context, desk, version string, passages []house.Passage, now time.Time) error {
	return k.m.do(func(s store.Store) error {
		index, err := indexOf(s)
		if err != nil {
			return err
		}
		return index.Put(ctx, desk, version, passages, now)
	})
}

// Search implements house.Index.
func (k knowledge) Search(ctx context.Context, desk, version string, stems []string, limit int) ([]house.Hit, error) {
	return with(k.m, func(s store.Store) ([]house.Hit, error) {
		index, err := indexOf(s)
		if err != nil {
			return nil, err
		}
		return index.Search(ctx, desk, version, stems, limit)
	})
}

// indexOf is the store's own index.
func indexOf(s store.Store) (house.Index, error) {
	keeper, ok := s.(interface{ Knowledge() house.Index })
	if !ok {
		return nil, fault.New(fault.Unsupported, "store keeps no houses")
	}
	return keeper.Knowledge(), nil
}

// indexing bounds how long a start or a change of the configuration waits for the index.
const indexing = 5 * time.Second

// library is what a desk knows; nil for a desk without a house. Where the database is not
// there, or takes too long, the house is put into it when it is first needed.
func (a *App) library(cfg agent.Config) *house.Library {
	l := house.NewLibrary(cfg.House, knowledge{a.store}, cfg.Name)
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), indexing, errors.New("house not indexed in time"))
	defer cancel()
	if err := l.Ensure(ctx); err != nil {
		a.log.Warn("house not indexed yet", "desk", cfg.Name, "error", err.Error())
	}
	return l
}
