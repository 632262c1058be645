package app_test

import (
	"context"
	"testing"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/delivery"
	"secretaria/internal/httpclient"
	"secretaria/internal/store"
)

// That the operator wrote an address down is not enough: nobody inside is called, neither
// model nor helpdesk, unless ALLOW_PRIVATE_ADDRESSES names them, and what could not be sent
// waits for the operator with the reason.
func TestPrivatePeersAreNotCalledUnlessNamed(t *testing.T) {
	t.Parallel()
	ended := make(chan delivery.Done, 100)
	h := open(t, func(o *app.Options) {
		o.Addresses = httpclient.Policy{}
		o.Observe.Delivery = func(d delivery.Done) { ended <- d }
	})
	if status, body := h.whatsapp("5511988877766", "Quanto custa a consulta?"); status != 202 {
		t.Fatalf("webhook answered %d %s, want 202", status, body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case <-ended:
	case <-ctx.Done():
		t.Fatal("no delivery was tried")
	}
	all, err := h.app.Store().Deliveries(ctx, store.Filter{Limit: 20})
	must(t, err)
	refused := 0
	for _, d := range all {
		if d.Status == store.Sent {
			t.Errorf("delivery %s was sent", d.Order.Kind)
		}
		if d.Status == store.FailedPermanent && d.Cause == httpclient.CodeRefused {
			refused++
		}
	}
	if refused == 0 {
		t.Errorf("deliveries = %+v, want one that failed for good because its address was refused", all)
	}
	if n := len(h.model.Requests()); n > 0 {
		t.Errorf("the model was asked %d times, want never", n)
	}
	if n := len(h.whaticket.Requests()); n > 0 {
		t.Errorf("the helpdesk was called %d times, want never", n)
	}
}
