package chatwoottest

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Who calls.
const (
	byBot   = "bot"
	byUser  = "user" // an agent
	byAdmin = "administrator"
	byWrong = "wrong"
	byNone  = "none"
)

// caller is who a token belongs to.
type caller struct {
	kind string
	id   int64
	name string
}

func (c caller) person() bool { return c.kind == byUser || c.kind == byAdmin }

// caller finds who a token belongs to; the lock is held.
func (s *Server) caller(token string) caller {
	switch {
	case token == "":
		return caller{kind: byNone}
	case token == s.options.UserToken:
		return caller{byUser, 2, s.options.Agents[2]}
	case token == s.options.AdminToken:
		return caller{byAdmin, 1, "Ana Prado"}
	}
	for _, b := range s.bots {
		if token == b.Token {
			return caller{byBot, b.ID, b.Name}
		}
	}
	return caller{kind: byWrong}
}

type handler func(c *Conversation, body map[string]any, by caller, r *http.Request) reply

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	base := "/api/v1/accounts/{account}/conversations/{id}"
	new := !s.options.Old
	for _, route := range []struct {
		pattern string
		op      Op
		bots    bool
		do      handler
	}{
		{"POST " + base + "/messages", CreateMessage, true, s.createMessage},
		{"GET " + base + "/messages", ListMessages, false, s.listMessages},
		{"POST " + base + "/toggle_status", ToggleStatus, true, s.toggleStatus},
		{"POST " + base + "/toggle_typing_status", ToggleTyping, true, s.toggleTyping},
		{"POST " + base + "/assignments", Assignments, true, s.assignments},
		{"GET " + base + "/labels", GetLabels, new, s.getLabels},
		{"POST " + base + "/labels", SetLabels, new, s.setLabels},
		{"POST " + base + "/custom_attributes", SetAttributes, true, s.setAttributes},
		{"GET " + base, GetConversation, new, s.getConversation},
	} {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, route.op, func(body map[string]any, by caller) reply {
				return s.inConversation(r, by, route.bots && !slices.Contains(s.options.NoBots, route.op), body, route.op, route.do)
			})
		})
	}
	s.inboxRoutes(mux)
	s.premisesRoutes(mux)
	s.customerRoutes(mux)
	mux.HandleFunc("GET /api/v1/profile", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Profile, func(_ map[string]any, by caller) reply {
			if refusal, ok := refuse(by, false); ok {
				return refusal
			}
			role := "agent"
			if by.kind == byAdmin {
				role = "administrator"
			}
			return reply{status: http.StatusOK, body: map[string]any{
				"id": by.id, "name": by.name, "available_name": by.name, "type": "user", "account_id": s.options.Account, "role": role,
				"accounts": []any{map[string]any{"id": s.options.Account, "name": accountName, "status": "active", "role": role, "permissions": []any{role}}},
			}}
		})
	})
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Version, func(map[string]any, caller) reply {
			return reply{status: http.StatusOK, body: map[string]any{"version": s.options.Version, "timestamp": time.Now().UTC().Format(time.DateTime), "queue_services": "ok", "data_services": "ok"}}
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		page := s.page
		s.mu.Unlock()
		if r.URL.Path == "/" && page != nil {
			page.ServeHTTP(w, r)
			return
		}
		s.serve(w, r, unknownOperation, func(map[string]any, caller) reply {
			return reply{status: http.StatusNotFound, body: map[string]any{"status": 404, "error": "Not Found"}} // Rails itself
		})
	})
	return mux
}

// serve records a call, misbehaves where that was asked for, and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, op Op, do func(map[string]any, caller) reply) {
	raw := readBody(r)
	token := r.Header.Get("Api-Access-Token")
	underscored := false
	if token == "" && len(r.Header["Api_access_token"]) > 0 {
		token, underscored = r.Header["Api_access_token"][0], true
	}
	if s.options.Skew != 0 {
		w.Header().Set("Date", time.Now().Add(s.options.Skew).UTC().Format(http.TimeFormat))
	}
	s.mu.Lock()
	by := s.caller(token)
	m := s.next(op)
	s.requests = append(s.requests, Request{
		Op: op, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Token: by.kind, Body: raw, Misbehaved: m != nil,
		ContentType: r.Header.Get("Content-Type"), UnderscoreKey: underscored,
	})
	s.touch()
	s.mu.Unlock()
	if m != nil {
		m.once.Do(func() { close(m.read) })
		if !m.After {
			s.misbehave(w, r, m, reply{status: http.StatusOK, body: map[string]any{"id": 1, "content": "…"}})
			return
		}
	}
	var body map[string]any
	_ = json.Unmarshal(raw, &body)
	answer := do(body, by)
	if m != nil {
		s.misbehave(w, r, m, answer)
		return
	}
	write(w, answer)
}

func refuse(by caller, bots bool) (reply, bool) {
	name := ""
	switch {
	case by.kind == byNone:
		name = "no token header"
	case by.kind == byWrong:
		name = "unknown token"
	case by.kind == byBot && !bots:
		name = "bot token on an endpoint outside the allow list (messages index, contacts, filter, teams ...)"
	default:
		return reply{}, false
	}
	return reply{status: http.StatusUnauthorized, body: errorCase(name)}, true
}

// inConversation checks the caller and finds the conversation; do runs under the lock.
func (s *Server) inConversation(r *http.Request, by caller, bots bool, body map[string]any, op Op, do handler) reply {
	if refusal, ok := refuse(by, bots); ok {
		return refusal
	}
	if r.PathValue("account") != strconv.FormatInt(s.options.Account, 10) {
		return reply{status: http.StatusUnauthorized, body: errorCase("bot of another account without an inbox here")}
	}
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if by.kind == byBot && !s.employed(by.id) {
		return reply{status: http.StatusUnauthorized, body: errorCase("bot of another account without an inbox here")}
	}
	c := s.conversations[id]
	if c == nil {
		return reply{status: http.StatusNotFound, body: errorCase("conversation display id not found")}
	}
	defer s.touch()
	answer := do(c, body, by, r)
	if s.options.Meanwhile != nil {
		s.options.Meanwhile(op, c)
	}
	return answer
}

// liquid is what Chatwoot would render as a template before it saves a message.
var liquid = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}`)

func (s *Server) createMessage(c *Conversation, body map[string]any, by caller, _ *http.Request) reply {
	refused := func(name string) reply { return fixture("create_message." + name).answer() }
	content, _ := body["content"].(string)
	attributes, _ := body["content_attributes"].(map[string]any)
	kind, _ := body["content_type"].(string)
	def(&kind, "text")
	if body["message_type"] == "incoming" {
		return refused("error_incoming_not_api_inbox")
	}
	if items, _ := attributes["items"].([]any); kind == "input_select" && len(items) == 0 {
		return reply{status: http.StatusUnprocessableEntity, body: map[string]any{"error": "Validation failed: Content attributes items can't be blank"}}
	}
	recent := 0
	for _, m := range c.Messages {
		if time.Since(m.At) < time.Minute {
			recent++
		}
	}
	if recent >= s.options.PerMinute {
		return refused("error_too_many_messages")
	}
	m := &Message{
		Type: Outgoing, Private: body["private"] == true || body["private"] == "true",
		Content: liquid.ReplaceAllString(content, "LIQUID"), Wire: content, ContentType: kind,
		Attributes: map[string]any{}, SenderType: "agent_bot", SenderID: by.id, SenderName: by.name,
	}
	if by.person() {
		m.SenderType = "user"
	}
	maps.Copy(m.Attributes, attributes)
	if to, ok := attributes["in_reply_to"]; ok {
		m.Attributes["in_reply_to"], m.Attributes["in_reply_to_external_id"] = nil, nil
		if n, ok := to.(float64); ok {
			if quoted := c.message(int64(n)); quoted != nil {
				m.Attributes["in_reply_to"], m.Attributes["in_reply_to_external_id"] = quoted.ID, nullable(quoted.SourceID)
			}
		}
	}
	if id, ok := body["source_id"].(string); ok {
		m.SourceID = id
	}
	s.add(c, m)
	if !m.Private {
		c.Waiting = time.Time{}
	}
	if !s.dropEchoes || by.kind != byBot {
		s.emit(c, s.messageEvent(c, m, "message_created"), true)
	}
	answer := fixture("create_message.text").answer()
	out := answer.body.(map[string]any)
	out["id"], out["content"], out["conversation_id"], out["private"] = m.ID, m.Content, c.ID, m.Private
	out["content_type"], out["content_attributes"], out["created_at"] = m.ContentType, maps.Clone(m.Attributes), m.At.Unix()
	out["source_id"] = nullable(m.SourceID)
	out["sender"] = map[string]any{"id": m.SenderID, "name": m.SenderName, "avatar_url": "", "type": m.SenderType}
	if echo, ok := body["echo_id"]; ok {
		out["echo_id"] = echo
	}
	return answer
}

func (s *Server) listMessages(c *Conversation, _ map[string]any, _ caller, r *http.Request) reply {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	var list []any
	for _, m := range c.Messages {
		if (before == 0 || m.ID < before) && m.ID > after {
			list = append(list, s.pushData(c, m))
		}
	}
	if limit := 20; after == 0 && len(list) > limit {
		list = list[len(list)-limit:]
	}
	return reply{status: http.StatusOK, body: map[string]any{"meta": map[string]any{}, "payload": append([]any{}, list...)}}
}

func (s *Server) toggleStatus(c *Conversation, body map[string]any, by caller, _ *http.Request) reply {
	status, _ := body["status"].(string)
	handoff := by.kind == byBot && c.Status == Pending && status == Open
	switch status {
	case Open, Pending, Resolved, Snoozed:
	case "":
		status = Open
		if c.Status == Open {
			status = Resolved
		}
	default:
		return reply{status: http.StatusInternalServerError, body: map[string]any{"status": 500, "error": "Internal Server Error"}}
	}
	if handoff && c.AssigneeType == "AgentBot" {
		c.AssigneeType, c.AssigneeID = "", 0
	}
	s.setStatus(c, status)
	name := "toggle_status.resolved"
	if handoff {
		name = "toggle_status.bot_handoff_pending_to_open"
	}
	answer := fixture(name).answer()
	payload := answer.body.(map[string]any)["payload"].(map[string]any)
	payload["conversation_id"], payload["current_status"] = c.ID, c.Status
	return answer
}

func (s *Server) toggleTyping(c *Conversation, body map[string]any, _ caller, _ *http.Request) reply {
	c.Typing = body["typing_status"] == "on"
	return reply{status: http.StatusOK, body: ""}
}

func (s *Server) assignments(c *Conversation, body map[string]any, _ caller, _ *http.Request) reply {
	number := func(key string) int64 {
		switch v := body[key].(type) {
		case float64:
			return int64(v)
		case string:
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
		return 0
	}
	if _, ok := body["assignee_id"]; ok {
		id := number("assignee_id")
		if id == 0 && c.AssigneeID == 0 {
			return reply{status: http.StatusOK}
		}
		c.AssigneeType, c.AssigneeID = "", 0
		if name, ok := s.options.Agents[id]; ok {
			c.AssigneeType, c.AssigneeID = "User", id
			s.updated(c, "assignee_id")
			return reply{status: http.StatusOK, body: map[string]any{"id": id, "name": name, "available_name": name, "role": "agent", "thumbnail": ""}}
		}
		s.updated(c, "assignee_id")
		return reply{status: http.StatusOK}
	}
	id := number("team_id")
	c.TeamID = 0
	if name, ok := s.options.Teams[id]; ok {
		c.TeamID = id
		s.updated(c, "team_id")
		answer := fixture("assignments.team").answer()
		team := answer.body.(map[string]any)
		team["id"], team["name"] = id, name
		return answer
	}
	s.updated(c, "team_id")
	return fixture("assignments.unknown_team_silently_unassigns").answer()
}

func (s *Server) getLabels(c *Conversation, _ map[string]any, _ caller, _ *http.Request) reply {
	return reply{status: http.StatusOK, body: map[string]any{"payload": append([]string{}, c.Labels...)}}
}

func (s *Server) setLabels(c *Conversation, body map[string]any, by caller, r *http.Request) reply {
	c.Labels = nil
	list, _ := body["labels"].([]any)
	for _, l := range list {
		if l, ok := l.(string); ok {
			c.Labels = append(c.Labels, l)
		}
	}
	s.updated(c, "label_list")
	return s.getLabels(c, body, by, r)
}

func (s *Server) setAttributes(c *Conversation, body map[string]any, _ caller, _ *http.Request) reply {
	given, _ := body["custom_attributes"].(map[string]any)
	for _, v := range given {
		if text, ok := v.(string); ok && len([]rune(text)) > 1500 {
			return reply{status: http.StatusUnprocessableEntity, body: errorCase("record invalid outside message create")}
		}
	}
	if !s.options.Merges || body["merge"] != true {
		c.Attributes = map[string]any{}
	}
	maps.Copy(c.Attributes, given)
	s.updated(c, "custom_attributes")
	return reply{status: http.StatusOK, body: map[string]any{"custom_attributes": maps.Clone(c.Attributes)}}
}

func (s *Server) getConversation(c *Conversation, _ map[string]any, by caller, _ *http.Request) reply {
	if s.options.TeamBug && c.TeamID != 0 && by.kind == byBot {
		return reply{status: http.StatusInternalServerError, body: map[string]any{"status": 500, "error": "Internal Server Error"}}
	}
	out := s.conversationData(c)
	// Here, unlike in webhooks, the newest message is shown even when it is private.
	out["messages"], out["last_non_activity_message"] = []any{}, nil
	for _, m := range slices.Backward(c.Messages) {
		if m.Type != Activity {
			last := s.pushData(c, m)
			out["messages"], out["last_non_activity_message"] = []any{last}, last
			break
		}
	}
	out["account_id"] = s.options.Account
	delete(out, "contact_inbox")
	delete(out, "account")
	return reply{status: http.StatusOK, body: out}
}
