package whatickettest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// route answers a request as the variant would. Errors are recorded exchanges.
func (s *Server) route(w http.ResponseWriter, r *http.Request, body []byte, mode Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimSuffix(r.URL.Path, "/")
	var in map[string]any
	if len(body) > 0 {
		_ = json.Unmarshal(body, &in)
	}
	switch {
	case path == "/api/messages/send" && r.Method == http.MethodPost:
		s.send(w, r, in, len(body), mode)
		return
	case path == "/auth/login" && r.Method == http.MethodPost:
		s.login(w, in, mode)
		return
	case path == "/auth/refresh_token" && r.Method == http.MethodPost:
		s.renew(w, r, mode)
		return
	case path == "/version" && s.Release != "":
		writeJSON(w, http.StatusOK, map[string]string{"version": s.Release})
		return
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	read := map[string]bool{"tickets": true, "messages": true, "contacts": true, "queue": true, "users": true, "whatsapp": true, "settings": true, "queueIntegration": s.integrates()}
	if !read[parts[0]] || len(parts) > 2 {
		write(w, "me-absent-community") // every unknown route is a page
		return
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok:
		write(w, "jwt-missing-header")
		return
	case !s.access[token] || mode == Refuse:
		write(w, "jwt-invalid-or-expired")
		return
	}
	id := 0
	if len(parts) == 2 {
		id = atoi(parts[1])
	}
	if s.setUp(w, r, parts, id, body) {
		return
	}
	switch what := r.Method + " " + parts[0]; {
	case what == "GET tickets" && len(parts) == 1:
		s.listTickets(w, r)
	case what == "POST tickets" && len(parts) == 1:
		s.createTicket(w, in)
	case what == "GET contacts" && len(parts) == 1:
		s.listContacts(w, r)
	case what == "POST contacts" && len(parts) == 1:
		s.createContact(w, in)
	case len(parts) == 1:
		write(w, "me-absent-community")
	case s.ticket(id) == nil && what == "POST messages":
		write(w, "message-post-no-ticket")
	case s.ticket(id) == nil && s.Variant == SaaS:
		write(w, "ticket-other-company-saas")
	case s.ticket(id) == nil:
		write(w, "ticket-not-found")
	case what == "GET tickets":
		writeJSON(w, http.StatusOK, s.ticketJSON(s.ticket(id)))
	case what == "PUT tickets":
		s.updateTicket(w, s.ticket(id), in)
	case what == "GET messages":
		s.listMessages(w, s.ticket(id), max(1, atoi(r.URL.Query().Get("pageNumber"))))
	case what == "POST messages":
		text, ok := in["body"].(string)
		if !ok {
			write(w, "send-body-missing")
			return
		}
		s.say(s.ticket(id), text, true, false)
		write(w, "message-post-ok")
	default:
		write(w, "me-absent-community")
	}
}

// send is POST /api/messages/send, which takes the static token and nothing else.
func (s *Server) send(w http.ResponseWriter, r *http.Request, in map[string]any, size int, mode Mode) {
	saas := s.Variant == SaaS || s.Variant == Ticketz
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	number, isString := in["number"].(string)
	text, hasBody := in["body"].(string)
	switch {
	case !ok && saas:
		write(w, "send-invalid-token-saas")
	case !ok:
		write(w, "send-missing-auth")
	case (!s.knows(token) || mode == Refuse) && saas:
		write(w, "send-invalid-token-saas")
	case !s.knows(token) && (!s.Enabled || token != "enabled") || mode == Refuse:
		write(w, "send-invalid-token-community")
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		write(w, "send-number-missing-community")
	case size > 100<<10 && !saas:
		write(w, "send-body-too-large")
	case saas && !numeric(number):
		write(w, "send-not-on-whatsapp-saas")
	case in["number"] == nil:
		write(w, "send-number-missing-community")
	case !isString:
		write(w, "send-number-not-a-string")
	case number == "":
		write(w, "send-number-empty")
	case !numeric(number):
		write(w, "send-invalid-number-format")
	case !hasBody:
		write(w, "send-body-missing")
	case strings.Contains(text, "{{") && !strings.Contains(text, "}}"):
		write(w, "send-template-syntax")
	default:
		s.say(s.ticketFor(number), text, true, true)
		if saas {
			write(w, "send-ok-saas")
			return
		}
		write(w, "send-ok-community")
	}
}

func numeric(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (s *Server) login(w http.ResponseWriter, in map[string]any, mode Mode) {
	if in["email"] != orDefault(s.Email, DefaultEmail) || in["password"] != orDefault(s.Password, DefaultPassword) || mode == Refuse {
		write(w, "login-invalid-credentials")
		return
	}
	s.logins++
	s.enter(w)
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request, mode Mode) {
	cookie, err := r.Cookie("jrt")
	switch {
	case err != nil:
		write(w, "refresh-missing-cookie")
	case !s.refresh[cookie.Value] || mode == Refuse:
		write(w, "refresh-invalid-cookie")
	default:
		s.enter(w)
	}
}

func (s *Server) enter(w http.ResponseWriter) {
	s.issued++
	access, refresh := fmt.Sprintf("fake-access-%d", s.issued), fmt.Sprintf("fake-refresh-%d", s.issued)
	if s.access == nil {
		s.access = map[string]bool{}
	}
	if s.refresh == nil {
		s.refresh = map[string]bool{}
	}
	s.access[access], s.refresh[refresh] = true, true
	name := "login-ok-community"
	if s.companies() {
		name = "login-ok-saas"
	}
	body, _ := mustExchange(name).Response.Body.(map[string]any)
	user, _ := body["user"].(map[string]any)
	user["profile"] = s.profile()
	w.Header().Set("Set-Cookie", "jrt="+refresh+"; Path=/; HttpOnly")
	writeJSON(w, http.StatusOK, map[string]any{"token": access, "user": user})
}

func orNull(id int) any {
	if id == 0 {
		return nil
	}
	return id
}

func (s *Server) contactJSON(id int) map[string]any {
	return map[string]any{"id": id, "name": "Contato", "number": s.contacts[id-1], "isGroup": false}
}

func (s *Server) ticketJSON(t *Ticket) map[string]any {
	return map[string]any{
		"id": t.ID, "status": t.Status, "isGroup": false, "userId": orNull(t.User), "queueId": orNull(t.Queue),
		"contactId": t.Contact, "whatsappId": s.lines()[0].ID, "updatedAt": t.UpdatedAt.UTC().Format(time.RFC3339Nano), "contact": s.contactJSON(t.Contact),
	}
}

func (s *Server) listTickets(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var queues []int
	if raw := q.Get("queueIds"); raw != "" {
		if err := json.Unmarshal([]byte(raw), &queues); err != nil {
			write(w, "tickets-list-bad-queueids")
			return
		}
	}
	list := []any{}
	newest := slices.Clone(s.tickets)
	slices.SortStableFunc(newest, func(a, b *Ticket) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	for _, t := range newest {
		visible := q.Get("showAll") == "true" || t.Status == "pending"
		visible = visible && (t.Queue == 0 || slices.Contains(queues, t.Queue))
		if visible && strings.Contains(t.Number, q.Get("searchParam")) {
			list = append(list, s.ticketJSON(t))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"tickets": list, "count": len(list), "hasMore": false})
}

func (s *Server) createTicket(w http.ResponseWriter, in map[string]any) {
	contact, _ := in["contactId"].(float64)
	user, _ := in["userId"].(float64)
	status, _ := in["status"].(string)
	if int(contact) < 1 || int(contact) > len(s.contacts) || status == "" {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "Internal server error"})
		return
	}
	for _, t := range s.tickets {
		if t.Contact == int(contact) && t.Status != "closed" {
			write(w, "ticket-other-open")
			return
		}
	}
	writeJSON(w, http.StatusOK, s.ticketJSON(s.openTicket(int(contact), status, int(user))))
}

func (s *Server) updateTicket(w http.ResponseWriter, t *Ticket, in map[string]any) {
	next := *t
	if v, ok := in["status"].(string); ok {
		next.Status = v
	}
	if v, ok := in["userId"]; ok {
		id, _ := v.(float64)
		next.User = int(id)
	}
	if v, ok := in["queueId"]; ok {
		id, _ := v.(float64)
		next.Queue = int(id)
	}
	if !s.known(next.Queue, next.User) {
		if s.Variant == SaaS {
			write(w, "ticket-update-any-failure-saas")
			return
		}
		write(w, "ticket-update-bad-queue")
		return
	}
	next.UpdatedAt = time.Now()
	*t = next
	writeJSON(w, http.StatusOK, s.ticketJSON(t))
}

func (s *Server) listContacts(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	for i, number := range s.contacts {
		if strings.Contains(number, r.URL.Query().Get("searchParam")) {
			list = append(list, s.contactJSON(i+1))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"contacts": list, "count": len(list), "hasMore": false})
}

func (s *Server) createContact(w http.ResponseWriter, in map[string]any) {
	number, _ := in["number"].(string)
	switch {
	case !numeric(number):
		write(w, "send-invalid-number-format")
	case slices.Contains(s.contacts, number):
		write(w, "contact-duplicate")
	default:
		writeJSON(w, http.StatusOK, s.contactJSON(s.contact(number)))
	}
}

// pageSize is how many messages a page has.
const pageSize = 20

func (s *Server) listMessages(w http.ResponseWriter, t *Ticket, page int) {
	var all []any
	for _, m := range s.messages {
		if m.Ticket == t.ID {
			all = append(all, map[string]any{
				"id": m.ID, "body": m.Body, "fromMe": m.FromMe, "ticketId": t.ID, "mediaType": "chat",
				"createdAt": m.At.UTC().Format(time.RFC3339Nano),
			})
		}
	}
	// Newest page first, oldest first inside a page.
	end := max(0, len(all)-(page-1)*pageSize)
	start := max(0, end-pageSize)
	list := append([]any{}, all[start:end]...)
	writeJSON(w, http.StatusOK, map[string]any{"count": len(all), "messages": list, "ticket": s.ticketJSON(t), "hasMore": start > 0})
}
