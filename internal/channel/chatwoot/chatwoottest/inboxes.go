package chatwoottest

import (
	"net/http"
	"strconv"
)

// Inbox is one of the account's inboxes, as an administrator has set it up.
type Inbox struct {
	ID   int64
	Name string
	Bot  bool   // our agent bot answers there …
	URL  string // … with its events going here

	// What Chatwoot writes to customers by itself.
	Greeting, Closed, Mail, Survey bool
}

func (s *Server) inboxRoutes(mux *http.ServeMux) {
	const base = "/api/v1/accounts/{account}/inboxes"
	users := func(pattern string, do func(r *http.Request) reply) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, Inboxes, func(_ map[string]any, by string) reply {
				if refusal, ok := refuse(by, false); ok {
					return refusal
				}
				return do(r)
			})
		})
	}
	users("GET "+base, func(*http.Request) reply {
		list := []any{}
		for _, i := range s.options.Inboxes {
			message := any(nil)
			if i.Closed {
				message = "Estamos fechados."
			}
			list = append(list, map[string]any{
				"id": i.ID, "name": i.Name, "channel_type": "Channel::Whatsapp", "greeting_enabled": i.Greeting, "greeting_message": "Olá!",
				"working_hours_enabled": i.Closed, "out_of_office_message": message, "enable_email_collect": i.Mail, "csat_survey_enabled": i.Survey,
			})
		}
		return reply{status: http.StatusOK, body: map[string]any{"payload": list}}
	})
	users("GET "+base+"/{id}/agent_bot", func(r *http.Request) reply {
		for _, i := range s.options.Inboxes {
			if strconv.FormatInt(i.ID, 10) != r.PathValue("id") {
				continue
			}
			bot := map[string]any{}
			if i.Bot {
				bot = map[string]any{"id": s.options.BotID, "name": s.options.BotName, "outgoing_url": i.URL, "bot_type": "webhook", "account_id": s.options.Account}
			}
			return reply{status: http.StatusOK, body: map[string]any{"agent_bot": bot}}
		}
		return reply{status: http.StatusNotFound, body: errorCase("conversation display id not found")}
	})
}
