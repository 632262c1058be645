package budget

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// DefaultMaxTokens bounds the answer to a request that sets no bound, while there is a
// budget: without a bound there is no worst case.
const DefaultMaxTokens = 8192

// settleTimeout bounds how long a settlement may take: the answer is there already.
const settleTimeout = 5 * time.Second

// GuardConfig says what a guarded model costs and what may be spent on it.
type GuardConfig struct {
	Price *Price // nil: unknown
	// Limits are asked for at every call, by the name of the desk that the request is for, so
	// that they may change. Nil: there are none.
	Limits func(desk string) Limits
	Ledger Ledger // may be nil where Limits is
	// Zone is the one in which days begin and end; nil: UTC.
	Zone *time.Location
	// Spent is told what each call has cost, where the price is known; nil is fine.
	Spent func(cost Micros)
}

// Guard is a model that is not asked when that might cost more than is left. It belongs
// around the model itself, beneath whatever tries again: each try has its price. It is safe
// for concurrent use.
//
// Where no limit holds for the request it only counts. Where one does, an unknown price is
// fault.Permanent with llm.CodePrice, and a line without room is fault.Permanent with
// llm.CodeBudget around *Exhausted. A ledger that does not answer is fault.Permanent too: a
// budget that is not known is none that may be spent, and the provider is not to blame.
type Guard struct {
	model llm.Model
	cfg   GuardConfig
}

var _ llm.Model = (*Guard)(nil)

// NewGuard puts a guard around a model.
func NewGuard(model llm.Model, cfg GuardConfig) *Guard { return &Guard{model: model, cfg: cfg} }

// Name implements llm.Model.
func (g *Guard) Name() string { return g.model.Name() }

// Generate implements llm.Model.
func (g *Guard) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	var limits Limits
	if g.cfg.Limits != nil {
		limits = g.cfg.Limits(req.Subject.Desk)
	}
	now := time.Now()
	lines := Lines(limits, Who(req.Subject), now, g.cfg.Zone)
	if len(lines) == 0 {
		resp, err := g.model.Generate(ctx, req)
		if err == nil && resp != nil && g.cfg.Price != nil {
			g.spent(g.cfg.Price.Cost(resp.Usage))
		}
		return resp, err
	}
	if g.cfg.Price == nil {
		return nil, fault.New(fault.Permanent, llm.CodePrice)
	}
	if req.MaxTokens <= 0 {
		bounded := *req
		bounded.MaxTokens = DefaultMaxTokens
		req = &bounded
	}
	return g.within(ctx, req, lines, now)
}

func (g *Guard) within(ctx context.Context, req *llm.Request, lines []Line, now time.Time) (*llm.Response, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fault.Wrap(fault.Permanent, codeLedger, err)
	}
	worst := g.cfg.Price.Worst(req)
	var full *Exhausted
	switch err := g.cfg.Ledger.Reserve(ctx, id.String(), lines, worst, now); {
	case errors.As(err, &full):
		return nil, fault.Wrap(fault.Permanent, llm.CodeBudget, full)
	case ctx.Err() != nil:
		return nil, fault.Wrap(fault.Transient, "cancelled", ctx.Err())
	case err != nil:
		return nil, fault.Wrap(fault.Permanent, codeLedger, err)
	}
	spent := worst // also where the model panics
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		// Not settled is counted at its worst: nothing is lost but room.
		_ = g.cfg.Ledger.Settle(ctx, id.String(), spent, time.Now())
		g.spent(spent)
	}()
	resp, err := g.model.Generate(ctx, req)
	switch {
	case err != nil && free(err):
		spent = 0
	case err == nil && resp != nil && resp.Usage != (llm.Usage{}):
		spent = g.cfg.Price.Cost(resp.Usage)
	}
	return resp, err
}

// codeLedger is the code of a call that was not made since nobody knows what is left.
const codeLedger = "budget unknown"

// free says that a failed call has certainly cost nothing: nobody was reached, nothing was
// sent, or the provider refused to work.
func free(err error) bool {
	switch fault.Code(err) {
	case "connection refused", "private address refused":
		return true
	}
	return fault.StatusOf(err) >= 400 || fault.KindOf(err) == fault.Invalid
}

func (g *Guard) spent(cost Micros) {
	if g.cfg.Spent != nil && cost > 0 {
		g.cfg.Spent(cost)
	}
}
