package chatwoottest

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const accountName = "Loja Aurora"

// Bot is an agent bot. Whoever has its token is that bot, where it answers in an inbox; events
// of its inboxes go to URL, signed with Secret, unsigned without one.
type Bot struct {
	ID                int64
	Name, Description string
	URL               string
	Token, Secret     string
	System            bool // of the whole installation
}

// Bots returns the agent bots as they are now, by number.
func (s *Server) Bots() []Bot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Bot
	for _, id := range slices.Sorted(maps.Keys(s.bots)) {
		all = append(all, *s.bots[id])
	}
	return all
}

// inAccount serves a call that people make in the account, administrators alone or agents too.
// do runs under the lock.
func (s *Server) inAccount(mux *http.ServeMux, pattern string, op Op, administrators bool, do func(r *http.Request, body map[string]any, by caller) reply) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, op, func(body map[string]any, by caller) reply {
			if refusal, ok := refuse(by, false); ok {
				return refusal
			}
			if r.PathValue("account") != strconv.FormatInt(s.options.Account, 10) {
				return refused(http.StatusUnauthorized, "You are not authorized to access this account")
			}
			if administrators && by.kind != byAdmin {
				return refused(http.StatusUnauthorized, "You are not authorized to do this action")
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			defer s.touch()
			return do(r, body, by)
		})
	})
}

func refused(status int, words string) reply {
	return reply{status: status, body: map[string]any{"error": words}}
}

func missing() reply {
	return reply{status: http.StatusNotFound, body: errorCase("conversation display id not found")}
}

func (s *Server) premisesRoutes(mux *http.ServeMux) {
	const base = "/api/v1/accounts/{account}"
	find := func(r *http.Request) *Bot {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		return s.bots[id]
	}
	s.inAccount(mux, "GET "+base+"/agent_bots", ListBots, false, func(_ *http.Request, _ map[string]any, by caller) reply {
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(s.bots)) {
			list = append(list, s.botData(s.bots[id], by))
		}
		return reply{status: http.StatusOK, body: list}
	})
	s.inAccount(mux, "GET "+base+"/agent_bots/{id}", ShowBot, false, func(r *http.Request, _ map[string]any, by caller) reply {
		b := find(r)
		if b == nil {
			return missing()
		}
		return reply{status: http.StatusOK, body: s.botData(b, by)}
	})
	s.inAccount(mux, "POST "+base+"/agent_bots", CreateBot, true, func(_ *http.Request, body map[string]any, by caller) reply {
		b := &Bot{ID: 1, Token: rand.Text()}
		for id := range s.bots {
			b.ID = max(b.ID, id+1)
		}
		if signs(s.options.Version) {
			b.Secret = rand.Text()
		}
		if refusal, ok := b.draw(body); !ok {
			return refusal
		}
		s.bots[b.ID] = b
		return reply{status: http.StatusOK, body: s.botData(b, by)}
	})
	s.inAccount(mux, "PATCH "+base+"/agent_bots/{id}", UpdateBot, true, func(r *http.Request, body map[string]any, by caller) reply {
		b := find(r)
		if b == nil || b.System {
			return missing() // the account's own are looked for
		}
		if refusal, ok := b.draw(body); !ok {
			return refusal
		}
		return reply{status: http.StatusOK, body: s.botData(b, by)}
	})
	s.inAccount(mux, "DELETE "+base+"/agent_bots/{id}", DeleteBot, true, func(r *http.Request, _ map[string]any, _ caller) reply {
		b := find(r)
		if b == nil || b.System {
			return missing()
		}
		delete(s.bots, b.ID)
		for _, in := range s.inboxes {
			if in.BotID == b.ID {
				in.Bot, in.BotID = false, 0
			}
		}
		return reply{status: http.StatusOK, body: ""}
	})
	s.inAccount(mux, "GET "+base+"/teams", ListTeams, false, func(*http.Request, map[string]any, caller) reply {
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(s.options.Teams)) {
			list = append(list, map[string]any{"id": id, "name": s.options.Teams[id], "description": nil, "allow_auto_assign": true, "account_id": s.options.Account, "is_member": false})
		}
		return reply{status: http.StatusOK, body: list}
	})
	s.inAccount(mux, "GET "+base+"/labels", ListLabels, false, func(*http.Request, map[string]any, caller) reply {
		list := []any{}
		for i, title := range s.options.Labels {
			list = append(list, map[string]any{"id": i + 1, "title": title, "description": nil, "color": "#1f93ff", "show_on_sidebar": true})
		}
		return reply{status: http.StatusOK, body: map[string]any{"payload": list}}
	})
	s.inAccount(mux, "GET "+base+"/contacts/{id}", ShowContact, false, func(r *http.Request, _ map[string]any, _ caller) reply {
		p := s.personOf(r)
		if p == nil {
			return missing()
		}
		out := s.contactData(p.contact)
		in := s.inboxOf(&Conversation{Inbox: p.inbox})
		out["contact_inboxes"] = []any{map[string]any{"source_id": p.source, "inbox": map[string]any{"id": in.ID, "name": in.Name, "channel_type": in.Kind}}}
		return reply{status: http.StatusOK, body: map[string]any{"payload": out}}
	})
	s.inAccount(mux, "DELETE "+base+"/contacts/{id}", DropContact, true, func(r *http.Request, _ map[string]any, _ caller) reply {
		p := s.personOf(r)
		if p == nil {
			return missing()
		}
		delete(s.people, p.contact.ID)
		maps.DeleteFunc(s.conversations, func(_ int64, c *Conversation) bool { return c.Contact.ID == p.contact.ID })
		return reply{status: http.StatusOK, body: ""}
	})
}

// draw takes over what a call says of a bot.
func (b *Bot) draw(body map[string]any) (refusal reply, ok bool) {
	for key, field := range map[string]*string{"name": &b.Name, "description": &b.Description, "outgoing_url": &b.URL} {
		if text, ok := body[key].(string); ok {
			*field = text
		}
	}
	if b.Name == "" {
		return reply{status: http.StatusUnprocessableEntity, body: map[string]any{"message": "Name can't be blank", "attributes": []any{"name"}}}, false
	}
	return reply{}, true
}

// botData is a bot as whoever asks may see it; the lock is held.
func (s *Server) botData(b *Bot, by caller) map[string]any {
	out := map[string]any{
		"id": b.ID, "name": b.Name, "description": nullable(b.Description), "thumbnail": "", "bot_type": "webhook", "bot_config": map[string]any{},
		"account_id": nil, "system_bot": b.System, "access_token": b.Token,
	}
	if b.System {
		return out
	}
	out["account_id"], out["outgoing_url"] = s.options.Account, nullable(b.URL)
	if by.kind == byAdmin && signs(s.options.Version) {
		out["secret"] = nullable(b.Secret)
	}
	return out
}

// signs says whether a version signs the webhooks of agent bots: since 4.13.
func signs(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, _ := strconv.Atoi(major)
	y, _ := strconv.Atoi(minor)
	return cmp.Or(cmp.Compare(x, 4), cmp.Compare(y, 13)) >= 0
}

// private says whether an address is one that the outside cannot reach.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost"
	}
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}
