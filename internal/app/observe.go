package app

import (
	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/intake"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
	"secretaria/internal/turn"
)

func (a *App) webhookEnded(d intake.Done) {
	a.metrics.WebhookReceived(string(d.Outcome))
	a.stored(d.Results)
	if f := a.o.Observe.Webhook; f != nil {
		f(d)
	}
}

// stored counts what the storing of a webhook has changed.
func (a *App) stored(results []store.Result) {
	for i := range results {
		if c := results[i].Change; c.TakenOver && c.To == conversation.Human {
			a.metrics.TakenOver(string(c.Reason))
		}
	}
}

func (a *App) turnEnded(d turn.Done) {
	a.metrics.TurnEnded(d.Outcome)
	if d.Pending > 0 && agent.Outcome(d.Outcome).Decided() {
		a.metrics.Guarded(d.Guarded.String())
		a.metrics.PromptInjectionBlocked.Add(float64(d.Blocked))
		for _, k := range d.Stopped {
			a.metrics.GateFound(string(k))
		}
	}
	switch agent.Outcome(d.Outcome) {
	case agent.Replied, agent.AskedToWrite, agent.HandedOver, agent.ModelFailed:
		if d.Pending > 0 { // who was woken has kept nobody waiting
			a.metrics.TaskLatency(telemetry.Turn, d.SinceAccept)
		}
	}
	if agent.Outcome(d.Outcome).Decided() {
		a.metrics.TurnPhase(telemetry.Waited, d.Waited)
		a.metrics.TurnPhase(telemetry.Asked, d.ModelTime)
		a.metrics.TurnPhase(telemetry.Decide, d.Thought)
		a.metrics.TurnPhase(telemetry.Commit, d.Committing)
	}
	if d.HandedOver != "" {
		a.metrics.TakenOver(string(d.HandedOver))
	}
	if f := a.o.Observe.Turn; f != nil {
		f(d)
	}
}

func (a *App) deliveryEnded(d delivery.Done) {
	order, peer := d.Delivery.Order.Kind, string(d.Delivery.Channel)
	if order == channel.Call {
		peer = "n8n"
	}
	a.metrics.DeliveryAttempted(peer, string(order), string(d.Outcome))
	called := d.Outcome != store.AttemptCancelled
	if p := a.metrics.Peer(peer); p != nil && called {
		p.Latency.Observe(d.Duration.Seconds())
		switch d.Outcome {
		case store.AttemptSent:
			if order == channel.Say {
				p.SendSuccess.Inc()
			}
		case store.AttemptRetry, store.AttemptUncertain:
			p.Errors.Inc()
			if order == channel.Say {
				p.SendRetry.Inc()
			}
		case store.AttemptFailed:
			p.Errors.Inc()
		}
	}
	if d.Outcome == store.AttemptSent && order == channel.Say && d.SinceAccept > 0 {
		a.metrics.TaskLatency(telemetry.Delivery, d.SinceAccept)
	}
	if f := a.o.Observe.Delivery; f != nil {
		f(d)
	}
}
