package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/store"
)

// follow prints what was decided about the message of a request, and what becomes of it. It
// reads the memory beside the server.
func follow(ctx context.Context, env *Env, o app.Options, correlation string, wait time.Duration) (err error) {
	st, err := openStore(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	began := time.Now()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	said := map[string]store.Status{}
	for {
		mine, err := ofRequest(ctx, st, correlation)
		if err != nil {
			return err
		}
		open := 0
		for _, d := range mine {
			before, seen := said[string(d.ID)]
			if !seen {
				decided(env, d, time.Since(began))
			}
			if d.Status != before && (d.Status != store.Pending || seen) {
				became(env, d)
			}
			said[string(d.ID)] = d.Status
			if d.Status == store.Pending || d.Status == store.FailedTemporary {
				open++
			}
		}
		if len(mine) > 0 && open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-poll.C:
		case <-deadline.C:
			if len(mine) == 0 {
				env.printf("nothing was decided within %v: the bot is silent where a person has the conversation; see the server's log for %s\n", wait, correlation)
				return nil
			}
			env.printf("not finished after %v; look again with: secretaria deliveries list\n", wait)
			return nil
		}
	}
}

// ofRequest finds the deliveries that follow from a request, oldest first.
func ofRequest(ctx context.Context, st store.Store, correlation string) ([]store.Delivery, error) {
	all, err := st.Deliveries(ctx, store.Filter{Limit: 200})
	if err != nil {
		return nil, fmt.Errorf("look for the answer: %w", err)
	}
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(d store.Delivery) bool { return d.Correlation != correlation }), nil
}

func decided(env *Env, d store.Delivery, after time.Duration) {
	after = after.Round(10 * time.Millisecond)
	switch d.Order.Kind {
	case channel.Say:
		env.printf("\nanswer after %v:\n%s\n", after, d.Order.Text)
	case channel.Note:
		env.printf("\nnote for people:\n%s\n", d.Order.Text)
	default:
		env.printf("\n%s\n", wordOf(d.Order.Kind))
	}
}

func wordOf(k channel.OrderKind) string {
	switch k {
	case channel.OpenUp:
		return "handed over to people"
	case channel.Assign:
		return "assigned to a team or a person"
	case channel.Labels:
		return "labels added"
	case channel.Attributes:
		return "attributes added"
	}
	return string(k)
}

func became(env *Env, d store.Delivery) {
	switch {
	case d.Status == store.Sent:
		env.printf("  sent (delivery %s)\n", d.ID)
	case d.Status == store.Cancelled && d.Cause == "dry run":
		env.printf("  would have been sent: no helpdesk is configured (delivery %s)\n", d.ID)
	case d.Status == store.Cancelled:
		env.printf("  not sent: %s (delivery %s)\n", orUnknown(d.Cause), d.ID)
	case d.Status == store.FailedTemporary:
		env.printf("  try %d failed: %s; the next one at %s (delivery %s)\n", d.Attempts, causeOf(show(d)), d.NextAt.Local().Format(time.TimeOnly), d.ID)
	case d.Status == store.FailedPermanent:
		env.printf("  failed for good: %s; when it is mended: secretaria deliveries replay %s\n", causeOf(show(d)), d.ID)
	}
}

func orUnknown(cause string) string {
	if cause == "" {
		return "the conversation moved on"
	}
	return cause
}
