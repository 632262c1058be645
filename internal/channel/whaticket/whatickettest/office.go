package whatickettest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Line is a WhatsApp connection.
type Line struct {
	ID               int
	Name, Status     string // Status: default CONNECTED
	Greeting, Token  string
	Default          bool
	Queues           []int
	Integration      int    // of Multi100; 0 is none
	Webhook          string // of Hosted; nothing but a person sets it
	BotRetries       int    // something else that a connection has, and may lose
	ExpiresAfterHour int
}

// Queue is a queue of tickets.
type Queue struct {
	ID             int
	Name, Greeting string
	Color          string
	Integration    int
	Schedules      []any
}

// Person is a user.
type Person struct {
	ID            int
	Name, Profile string
}

// Integration is where customers' messages are posted.
type Integration struct {
	ID              int
	Type, Name, URL string
	Extra           map[string]any // whatever else was sent
}

// office is what the set-up API keeps.
type office struct {
	integrations []Integration
	faults       []routeFault
	ended        bool
	posted       []Posting
}

// Posting is what was posted to an integration, and what came back.
type Posting struct {
	URL    string
	Body   []byte
	Status int // 0: nobody took it
}

type routeFault struct {
	method, prefix string
	status         int
	text           string
	left           int
}

// FailOn answers the next n requests of a method to a path that begins with prefix with a
// status and an error, instead of doing what they ask.
func (s *Server) FailOn(method, prefix string, n, status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.office.faults = append(s.office.faults, routeFault{method, prefix, status, text, n})
}

func (s *Server) refused(r *http.Request) (func(http.ResponseWriter), bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.office.faults {
		f := &s.office.faults[i]
		if f.left > 0 && f.method == r.Method && strings.HasPrefix(r.URL.Path, f.prefix) {
			f.left--
			status, text := f.status, f.text
			return func(w http.ResponseWriter) { writeJSON(w, status, map[string]string{"error": text}) }, true
		}
	}
	return nil, false
}

// Integrations lists the integrations, oldest first.
func (s *Server) Integrations() []Integration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.office.integrations)
}

// Office lists the connections and queues as they are now.
func (s *Server) Office() ([]Line, []Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines()), slices.Clone(s.queues())
}

// Posted lists what was posted to integrations.
func (s *Server) Posted() []Posting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.office.posted)
}

// Ended says whether this Whaticket has ended its own process, since nobody took what it
// posted: SaaS and Multi100 do.
func (s *Server) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.office.ended
}

// AddIntegration puts one in, as somebody at the screen would, and returns its id.
func (s *Server) AddIntegration(i Integration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.ID = len(s.office.integrations) + 1
	s.office.integrations = append(s.office.integrations, i)
	return i.ID
}

// CustomerWrites is CustomerWrote followed by what the variant does with a customer's
// message: it is posted as Baileys has it to the integration that holds the ticket, or with
// its ticket to the connection's webhook. A queue is chosen where the connection has only
// one. The error is the context's, or that nobody took the message, which ends the process of
// the variants that post.
func (s *Server) CustomerWrites(ctx context.Context, number, text string) (Ticket, error) {
	s.mu.Lock()
	t := s.ticketFor(number)
	s.say(t, text, false, false)
	id := s.messages[len(s.messages)-1].ID
	on := s.lines()[0]
	if t.Queue == 0 && len(on.Queues) == 1 && s.Variant == SaaS {
		t.Queue = on.Queues[0]
	}
	to, body := "", Baileys{JID: number, ID: id, Name: "Contato", Text: text, At: time.Now()}.Body()
	if i := s.holder(t, on); i != nil {
		to = i.URL
	}
	if s.Variant == Hosted {
		to, body = on.Webhook, encode(map[string]any{
			"mensagem": text, "sender": number, "chamadoId": t.ID, "acao": "start", "name": "Contato", "companyId": 1, "defaultWhatsapp_x": on.ID,
			"fromMe": false, "queueId": orNull(t.Queue), "isGroup": false, "ticketData": s.ticketJSON(t),
		})
	}
	ticket := *t
	s.mu.Unlock()
	if to == "" {
		return ticket, nil
	}
	status, err := s.post(ctx, to, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.office.posted = append(s.office.posted, Posting{to, body, status})
	s.office.ended = s.office.ended || err != nil
	return ticket, err
}

// holder is the integration that a ticket's messages are posted to; nil for none.
func (s *Server) holder(t *Ticket, on Line) *Integration {
	id := 0
	switch {
	case t.User != 0 || t.Status == "closed":
	case s.Variant == SaaS:
		for _, q := range s.queues() {
			if q.ID == t.Queue {
				id = q.Integration
			}
		}
	case s.Variant == Multi100 && t.Queue == 0 && t.Status != "open":
		id = on.Integration
	}
	i := s.integration(id)
	if i == nil || i.Type != "n8n" && i.Type != "webhook" {
		return nil
	}
	return i
}

func (s *Server) integration(id int) *Integration {
	for i := range s.office.integrations {
		if s.office.integrations[i].ID == id {
			return &s.office.integrations[i]
		}
	}
	return nil
}

// post posts as the forks do: two headers, and whatever is answered makes no difference.
func (s *Server) post(ctx context.Context, to string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("make webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, nil
}

func (s *Server) companies() bool  { return s.Variant != Community && s.Variant != "" }
func (s *Server) integrates() bool { return s.Variant == SaaS || s.Variant == Multi100 }
func (s *Server) profile() string  { return orDefault(s.Profile, "admin") }

// lines are the connections; the first is where customers write.
func (s *Server) lines() []Line {
	if len(s.Lines) == 0 {
		s.Lines = []Line{{ID: 1, Name: "Default", Status: s.Status, Greeting: s.Greeting, Default: true}}
	}
	return s.Lines
}

func (s *Server) queues() []Queue {
	if len(s.Queues) == 0 {
		s.Queues = []Queue{{ID: 1, Name: "Atendimento", Color: "#00aa00", Greeting: "Ola {{name}}"}}
	}
	return s.Queues
}

func (s *Server) people() []Person {
	if len(s.People) == 0 {
		s.People = []Person{{ID: 1, Name: "Administrador", Profile: "admin"}}
	}
	return s.People
}

// known says whether there are a queue and a user of these ids; 0 is nobody.
func (s *Server) known(queue, user int) bool {
	return (queue == 0 || slices.ContainsFunc(s.queues(), func(q Queue) bool { return q.ID == queue })) &&
		(user == 0 || slices.ContainsFunc(s.people(), func(p Person) bool { return p.ID == user }))
}

// knows says whether a static token is one of this Whaticket's.
func (s *Server) knows(token string) bool {
	return token == orDefault(s.Token, DefaultToken) ||
		slices.ContainsFunc(s.Lines, func(l Line) bool { return l.Token != "" && l.Token == token })
}

// setUp answers what belongs to the set-up, and says whether it did.
func (s *Server) setUp(w http.ResponseWriter, r *http.Request, parts []string, id int, body []byte) bool {
	in := map[string]any{}
	_ = json.Unmarshal(body, &in)
	one := len(parts) == 2
	switch what := r.Method + " " + parts[0]; {
	case what == "GET queue" && !one:
		var list []any
		for _, q := range s.queues() {
			list = append(list, s.queueJSON(q))
		}
		writeJSON(w, http.StatusOK, list)
	case what == "GET queue", what == "PUT queue":
		s.oneQueue(w, r.Method, id, in)
	case what == "GET users" && !one:
		s.listUsers(w)
	case what == "GET whatsapp" && !one:
		list := []any{}
		for _, l := range s.lines() {
			list = append(list, s.lineJSON(l, s.Variant != Ticketz))
		}
		writeJSON(w, http.StatusOK, list)
	case what == "GET whatsapp", what == "PUT whatsapp":
		s.oneLine(w, r.Method, id, in)
	case what == "GET settings" && !one && !s.companies():
		if s.profile() != "admin" {
			writeJSON(w, http.StatusForbidden, map[string]string{"error": "Only administrators can access resource."})
			return true
		}
		writeJSON(w, http.StatusOK, []any{
			map[string]any{"key": "userCreation", "value": "enabled"},
			map[string]any{"key": "userApiToken", "value": orDefault(s.Token, DefaultToken)},
		})
	case parts[0] == "queueIntegration":
		s.integrationsRoute(w, r, one, id, in)
	default:
		return false
	}
	return true
}

func (s *Server) listUsers(w http.ResponseWriter) {
	if s.profile() != "admin" && !s.companies() {
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "Only administrators can access this route."})
		return
	}
	list := []any{}
	for _, p := range s.people() {
		list = append(list, map[string]any{"id": p.ID, "name": p.Name, "profile": p.Profile, "email": fmt.Sprintf("u%d@example.com", p.ID), "queues": []any{}})
	}
	writeJSON(w, http.StatusOK, map[string]any{"users": list, "count": len(list), "hasMore": false})
}

func (s *Server) queueJSON(q Queue) map[string]any {
	o := map[string]any{"id": q.ID, "name": q.Name, "color": q.Color, "greetingMessage": q.Greeting}
	if s.companies() {
		o["companyId"], o["schedules"], o["orderQueue"] = 1, q.Schedules, nil
	}
	if s.integrates() {
		o["integrationId"] = orNull(q.Integration)
	}
	return o
}

func (s *Server) lineJSON(l Line, all bool) map[string]any {
	o := map[string]any{"id": l.ID, "name": l.Name, "status": orDefault(l.Status, "CONNECTED"), "isDefault": l.Default}
	queues := []any{}
	for _, q := range s.queues() {
		if slices.Contains(l.Queues, q.ID) {
			queues = append(queues, s.queueJSON(q))
		}
	}
	o["queues"] = queues
	if !all {
		return o
	}
	o["greetingMessage"], o["retries"] = nil, 0
	if l.Greeting != "" {
		o["greetingMessage"] = l.Greeting
	}
	if s.companies() {
		o["companyId"], o["token"], o["maxUseBotQueues"], o["expiresTicket"] = 1, l.Token, l.BotRetries, l.ExpiresAfterHour
	}
	switch s.Variant {
	case Multi100:
		o["integrationId"] = orNull(l.Integration)
	case Hosted:
		o["webhook"] = l.Webhook
	}
	return o
}

// integer reads a number, a numeral or nothing.
func integer(v any) int {
	switch n := v.(type) {
	case float64:
		return int(n)
	case string:
		return atoi(n)
	}
	return 0
}

// oneLine shows or saves a connection. What a request leaves out goes to its default, as in
// UpdateWhatsAppService: the queues are taken away.
func (s *Server) oneLine(w http.ResponseWriter, method string, id int, in map[string]any) {
	i := slices.IndexFunc(s.lines(), func(l Line) bool { return l.ID == id })
	if i < 0 {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "ERR_NO_WAPP_FOUND"})
		return
	}
	l := &s.Lines[i]
	if method == http.MethodPut {
		var queues []int
		given, _ := in["queueIds"].([]any)
		for _, q := range given {
			queues = append(queues, integer(q))
		}
		greeting, _ := in["greetingMessage"].(string)
		if len(queues) > 1 && greeting == "" {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "ERR_WAPP_GREETING_REQUIRED"})
			return
		}
		if name, ok := in["name"].(string); ok {
			l.Name = name
		}
		if token, ok := in["token"].(string); ok {
			l.Token = token
		}
		l.Greeting, l.Queues = greeting, queues
		l.BotRetries, l.ExpiresAfterHour = integer(in["maxUseBotQueues"]), integer(in["expiresTicket"])
		if s.Variant == Multi100 {
			l.Integration = integer(in["integrationId"])
		}
	}
	writeJSON(w, http.StatusOK, s.lineJSON(*l, true))
}

func (s *Server) oneQueue(w http.ResponseWriter, method string, id int, in map[string]any) {
	i := slices.IndexFunc(s.queues(), func(q Queue) bool { return q.ID == id })
	if i < 0 {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "Não é possível consultar registros de outra empresa"})
		return
	}
	q, status := &s.Queues[i], http.StatusOK
	if method == http.MethodPut {
		status = http.StatusCreated
		color, _ := in["color"].(string)
		if color == "" {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "ERR_QUEUE_INVALID_COLOR"})
			return
		}
		q.Color = color
		q.Greeting, _ = in["greetingMessage"].(string)
		if name, ok := in["name"].(string); ok {
			q.Name = name
		}
		q.Schedules, _ = in["schedules"].([]any)
		if s.integrates() {
			q.Integration = integer(in["integrationId"])
		}
	}
	writeJSON(w, status, s.queueJSON(*q))
}

// integrationsRoute is /queueIntegration. Its administrators set up; of multi100 others may
// not even look.
func (s *Server) integrationsRoute(w http.ResponseWriter, r *http.Request, one bool, id int, in map[string]any) {
	if s.Plan != "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": s.Plan})
		return
	}
	if s.profile() != "admin" && (s.Variant == Multi100 || r.Method != http.MethodGet) {
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "ERR_NO_PERMISSION"})
		return
	}
	had := s.integration(id)
	switch {
	case r.Method == http.MethodGet && !one:
		list := []any{}
		for _, i := range s.office.integrations {
			list = append(list, i.json())
		}
		writeJSON(w, http.StatusOK, map[string]any{"queueIntegrations": list, "count": len(list), "hasMore": false})
	case one && had == nil:
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "ERR_NO_DIALOG_FOUND"})
	case r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, had.json())
	case r.Method == http.MethodPost && !one, r.Method == http.MethodPut && one:
		next := Integration{ID: id, Extra: map[string]any{}}
		for k, v := range in {
			text, _ := v.(string)
			switch k {
			case "type":
				next.Type = text
			case "name":
				next.Name = text
			case "urlN8N":
				next.URL = text
			case "id":
			default:
				next.Extra[k] = v
			}
		}
		taken := slices.ContainsFunc(s.office.integrations, func(i Integration) bool { return i.ID != id && i.Name == next.Name })
		if next.Name == "" || taken {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "This integration name is already used."})
			return
		}
		if !one {
			next.ID = len(s.office.integrations) + 1
			s.office.integrations = append(s.office.integrations, next)
			writeJSON(w, http.StatusOK, next.json())
			return
		}
		*had = next
		writeJSON(w, http.StatusCreated, next.json())
	default:
		write(w, "me-absent-community")
	}
}

func (i Integration) json() map[string]any {
	o := map[string]any{"id": i.ID, "type": i.Type, "name": i.Name, "urlN8N": i.URL}
	for k, v := range i.Extra {
		o[k] = v
	}
	return o
}

// SetOffice changes connections and queues as a person at the screen would.
func (s *Server) SetOffice(change func([]Line, []Queue)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.lines(), s.queues())
}
