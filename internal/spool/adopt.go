package spool

import (
	"context"
	"database/sql"
	"os"
)

// adopt takes over what processes of this folder have left that are gone. Its files stay,
// empty, for the next ones: to remove a file that somebody is about to open would lose what
// they write there.
func (s *Spool) adopt(ctx context.Context) {
	for n := range slots {
		path := slot(s.cfg.Dir, n)
		if path == s.file.path {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			continue
		}
		other, err := open(ctx, path, s.cfg.MaxBytes)
		if err != nil {
			continue // somebody has it
		}
		moved, err := s.move(ctx, other)
		other.close()
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "spool of another process cannot be taken over", "error", err.Error())
		}
		if moved > 0 {
			s.cfg.Logger.InfoContext(ctx, "spool of another process taken over", "moved", moved)
		}
	}
}

// move brings everything of another file behind what is in ours. A crash in between leaves
// entries in both, of which one will be a repeat.
func (s *Spool) move(ctx context.Context, other *file) (moved int, err error) {
	left, _, err := other.revive(ctx)
	for err == nil && left.waiting > 0 {
		var entries []Entry
		if entries, err = other.head(ctx, batchEntries, batchBytes); err != nil {
			break
		}
		gone := make([]int64, len(entries))
		for i, e := range entries {
			gone[i] = e.seq
		}
		if err = s.takeOver(ctx, entries); err != nil {
			break
		}
		moved += len(entries)
		err = other.remove(ctx, gone, nil, func(c contents) { left = c })
	}
	return moved, err
}

// takeOver puts entries at the end of the file, all or none.
func (s *Spool) takeOver(ctx context.Context, entries []Entry) error {
	s.mu.Lock()
	for i := range entries {
		s.seq++
		entries[i].seq = s.seq
	}
	if s.mode == direct {
		s.hold(nil)
	}
	s.writing++
	s.mu.Unlock()
	return s.file.do(ctx, func(tx *sql.Tx) error {
		for _, e := range entries {
			if err := s.file.put(tx, e); err != nil {
				return err
			}
		}
		return nil
	}, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.writing--; err == nil {
			s.held.waiting += len(entries)
			if first := entries[0].Received; s.held.oldest.IsZero() || first.Before(s.held.oldest) {
				s.held.oldest = first
			}
		}
		s.nudge()
	})
}
