package chatwoot

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// reception is a bot: it authenticates and parses with the channel that was set up, and
// answers what customers say.
type reception struct {
	channel *Channel
	errs    chan error
}

func (l *reception) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := &channel.Request{Header: r.Header, Body: body, Received: time.Now()}
	if err == nil {
		err = l.channel.Authenticate(req)
	}
	var events []channel.Event
	if err == nil {
		events, err = l.channel.Parse(req)
	}
	for _, e := range events {
		if err == nil && e.Kind == channel.Received && e.Snapshot.Status == "pending" {
			_, err = l.channel.Do(r.Context(), channel.Order{Kind: channel.Say, Delivery: conversation.DeliveryID("d-" + e.Key), Address: e.Address, Text: "Recebi: " + e.Content.Text})
		}
	}
	if err != nil {
		l.errs <- err
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// From nothing but an administrator's token to an answer that a customer hears: the bot that
// was made has a token that opens, a secret that verifies, and hears the inbox it sits in.
func TestFromAnAdministratorsTokenToAnAnswer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Testes", "Site da loja"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, townHall())
			l := &reception{errs: make(chan error, 16)}
			hook := httptest.NewServer(l)
			t.Cleanup(hook.Close)
			a := administrator(t, s.URL(), "")
			p, err := a.Premises(t.Context(), "1")
			if err != nil {
				t.Fatal(err)
			}
			in := p.Inboxes[slices.IndexFunc(p.Inboxes, func(in AdminInbox) bool { return in.Name == name })]
			b, err := a.CreateBot(t.Context(), "1", BotDraft{Name: "Secretaria", URL: hook.URL})
			if err != nil {
				t.Fatal(err)
			}
			l.channel = connect(t, s, func(cfg *Config) { cfg.Token, cfg.Secrets = b.Token, []secret.String{b.Secret} })
			if err := l.channel.Probe(t.Context()); fault.Code(err) != causeOtherAccount {
				t.Errorf("Probe of a bot without an inbox = %v, want %s", err, causeOtherAccount)
			}
			if err := a.Seat(t.Context(), "1", in.ID, b.ID); err != nil {
				t.Fatal(err)
			}
			if err := l.channel.Probe(t.Context()); err != nil {
				t.Errorf("Probe = %v", err)
			}
			if err := a.Hush(t.Context(), "1", in.ID, Templates{Mail: true}); err != nil {
				t.Fatal(err)
			}

			customer, err := a.Customer(t.Context(), "1", in, "Teste da Secretaria")
			if err != nil {
				t.Fatal(err)
			}
			if texts, err := customer.Heard(t.Context()); len(texts) != 0 || err != nil {
				t.Errorf("Heard before anything was said = %q, %v", texts, err)
			}
			id, err := customer.Say(t.Context(), "Olá, {{contact.name}} <b>")
			if err != nil || !isID(id) {
				t.Fatalf("Say = %q, %v", id, err)
			}
			want := []string{"Recebi: Olá, ", "Recebi: E agora?"}
			if in.Greets {
				want = append([]string{"Olá! Logo alguém responde."}, want...)
			}
			hears := func(n int) {
				t.Helper()
				var texts []string
				err := s.Wait(t.Context(), func() bool { texts, err = customer.Heard(t.Context()); return err != nil || len(texts) >= n })
				select {
				case err := <-l.errs:
					t.Fatalf("the bot: %v", err)
				default:
				}
				if err != nil || len(texts) != n {
					t.Fatalf("Heard = %q, %v, want %d", texts, err, n)
				}
				for i, text := range texts {
					if !strings.HasPrefix(text, want[i]) {
						t.Errorf("Heard[%d] = %q, want %q", i, text, want[i])
					}
				}
			}
			hears(len(want) - 1)
			if again, err := customer.Say(t.Context(), "E agora?"); err != nil || again != id {
				t.Errorf("Say again = %q, %v, want the same conversation %s", again, err, id)
			}
			hears(len(want))

			all := s.Conversations()
			if len(all) != 1 || all[0].Status != chatwoottest.Pending || all[0].Contact.Name != "Teste da Secretaria" {
				t.Errorf("conversations = %+v, want one, pending, under the name given", all)
			}
			if err := customer.Leave(t.Context()); err != nil {
				t.Errorf("Leave = %v", err)
			}
			if all := s.Conversations(); len(all) != 0 {
				t.Errorf("after Leave there are %+v, want nothing", all)
			}
			n := len(s.Requests())
			if err := customer.Leave(t.Context()); err != nil || len(s.Requests()) != n {
				t.Errorf("Leave again = %v, with %d calls, want none", err, len(s.Requests())-n)
			}
			for _, r := range s.Requests() {
				if open := strings.HasPrefix(r.Path, "/public/") || strings.HasPrefix(r.Path, "/api/v1/widget/"); open && r.Token != "none" {
					t.Errorf("%s %s carries the token of a %s, want none", r.Method, r.Path, r.Token)
				}
			}
		})
	}
}

// An agent cannot remove a customer: the conversation is resolved, and that is enough.
func TestLeavingAsAnAgent(t *testing.T) {
	t.Parallel()
	s := start(t, townHall())
	c, err := administrator(t, s.URL(), "user-token").Customer(t.Context(), "1", AdminInbox{ID: "3", Kind: KindAPI, Identifier: "api-3"}, "Teste")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Say(t.Context(), "Olá"); err != nil {
		t.Fatal(err)
	}
	if err := c.Leave(t.Context()); err != nil {
		t.Errorf("Leave = %v", err)
	}
	if all := s.Conversations(); len(all) != 1 || all[0].Status != chatwoottest.Resolved {
		t.Errorf("after Leave: %+v, want one resolved conversation", all)
	}
}

// A number that turns out to be somebody else's is never removed.
func TestOthersAreNeverRemoved(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Customer, *Customer){
		"another number": func(c, other *Customer) { c.contact = other.contact },
		"another name":   func(c, _ *Customer) { c.name = "Outra" },
		"another source": func(c, _ *Customer) { c.source = "source-1" },
		"another inbox":  func(c, _ *Customer) { c.inbox.ID = "6" },
		"no number":      func(c, _ *Customer) { c.contact = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, townHall())
			a := administrator(t, s.URL(), "")
			in := AdminInbox{ID: "3", Kind: KindAPI, Identifier: "api-3"}
			c, err1 := a.Customer(t.Context(), "1", in, "Teste")
			other, err2 := a.Customer(t.Context(), "1", in, "Teste")
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			change(c, other)
			if err := c.Leave(t.Context()); err != nil {
				t.Errorf("Leave = %v", err)
			}
			for _, r := range s.Requests() {
				if r.Method == http.MethodDelete {
					t.Errorf("%s %s", r.Method, r.Path)
				}
			}
		})
	}
}

// Trouble while leaving is told, and leaving can be tried again.
func TestLeavingAgain(t *testing.T) {
	t.Parallel()
	for _, op := range []chatwoottest.Op{chatwoottest.ToggleStatus, chatwoottest.ShowContact, chatwoottest.DropContact} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			s := start(t, townHall())
			c, err := administrator(t, s.URL(), "").Customer(t.Context(), "1", AdminInbox{ID: "3", Kind: KindAPI, Identifier: "api-3"}, "Teste")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Say(t.Context(), "Olá"); err != nil {
				t.Fatal(err)
			}
			s.Fail(1, http.StatusInternalServerError, op)
			if err := c.Leave(t.Context()); !fault.Is(err, fault.Transient) {
				t.Errorf("Leave in trouble = %v, want transient", err)
			}
			if err := c.Leave(t.Context()); err != nil || len(s.Conversations()) != 0 {
				t.Errorf("Leave again = %v, %d conversations, want none", err, len(s.Conversations()))
			}
		})
	}
}

func TestHeard(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`[]`: nil,
		`[{"id":2,"message_type":1,"content":"dois"},{"id":1,"message_type":"outgoing","content":"um"},{"id":3,"message_type":"template","content":"três"}]`:           {"um", "dois", "três"},
		`{"payload":[{"id":1,"message_type":0,"content":"eu"},{"id":2,"message_type":2,"content":"activity"},{"id":3,"message_type":"3","content":"a\u001b[2Jb\nc"}]}`: {"a[2Jb\nc"},
		`[{"id":1,"message_type":1,"content":null},{"id":2,"message_type":1,"private":true,"content":"nota"},null,1,{"message_type":1,"content":"sem id"}]`:            {"sem id"},
	} {
		list, err := answeredList(&httpclient.Response{Status: 200, Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, heard(list), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("heard(%s): -want +got\n%s", body, diff)
		}
	}
}

// A message whose answer is lost may have been said.
func TestSayingInTrouble(t *testing.T) {
	t.Parallel()
	for _, in := range []AdminInbox{{ID: "3", Kind: KindAPI, Identifier: "api-3"}, {ID: "4", Kind: KindWebsite, WebsiteToken: "site-4"}} {
		t.Run(in.Kind, func(t *testing.T) {
			t.Parallel()
			s := start(t, townHall())
			c, err := administrator(t, s.URL(), "").Customer(t.Context(), "1", in, "Teste")
			if err != nil {
				t.Fatal(err)
			}
			s.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.PublicSay, chatwoottest.WidgetSay}, Reset: true, After: true})
			if _, err := c.Say(t.Context(), "Olá"); !fault.Is(err, fault.Uncertain) {
				t.Errorf("Say, its answer lost = %v, want uncertain", err)
			}
			if id, err := c.Say(t.Context(), "Olá?"); err != nil || len(s.Conversations()) != 1 {
				t.Errorf("Say again = %q, %v, in %d conversations, want one", id, err, len(s.Conversations()))
			}
			s.Fail(1, http.StatusInternalServerError, chatwoottest.PublicHear, chatwoottest.WidgetHear)
			if _, err := c.Heard(t.Context()); !fault.Is(err, fault.Transient) {
				t.Errorf("Heard in trouble = %v, want transient", err)
			}
			if _, err := c.Say(t.Context(), " \n"); !fault.Is(err, fault.Invalid) {
				t.Errorf("Say of nothing = %v, want invalid", err)
			}
		})
	}
}
