package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

// What runs for every message must not read a whole table.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	texts := queries()
	for name, args := range map[string][]any{
		"conversation_by_thread": {"in", "t"}, "conversation_by_identity": {"in", "phone", "v"}, "contact_by_identity": {"in", "phone", "v"},
		"message_by_identity": {[]byte("i")}, "message_confirm": {"d", "k", []byte("i")}, "message_last_said": {1}, "messages_pending": {1}, "messages_history": {1, 20},
		"messages_settle": {1}, "messages_answer": {1, 1, 1}, "lane_due_turn": {1}, "lane_due_delivery": {1}, "lane_next_turn": {1}, "lane_next_delivery": {1},
		"lane_claim_turn": {1, 1, 1}, "lane_claim_delivery": {1, 1, 1}, "delivery_head": {1, 1}, "delivery_by_id": {"d"}, "delivery_echoes": {1, 1},
		"delivery_cancel_says": {1, "c", "", 1}, "delivery_opening": {1}, "delivery_replay_blocked": {"d"}, "attempt_end": {1, 1, 1, "sent", 200, ""},
		"delivery_opted_out": {1, 1}, "pauses_end": {1, 1}, "turn_memory": {1}, "firings_of": {1}, "firing_insert": {1, "w", "k", "d", 1}, "opt_out_insert": {1, 1}, "opt_out_delete": {1},
		"conversations_follow": {1, 2}, "profile_follow": {1, 2}, "lead_list": {"", "", "", 0, 100}, "identity_move": {"in", "phone", "v", 1}, "oldest": {1}, "census": {1},
	} {
		rows, err := s.db.write.Query("explain query plan "+texts[name], args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if strings.HasPrefix(detail, "SCAN ") && detail != "SCAN CONSTANT ROW" && !strings.Contains(detail, "USING") {
				t.Errorf("%s: %s, want an index", name, detail)
			}
		}
		rows.Close()
	}
}

// A query is prepared when it is first needed; a mistake in one must not wait until then.
func TestQueries(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	for name, text := range queries() {
		text, order := positional(text)
		st, err := s.db.write.Prepare(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		st.Close()
		if strings.Contains(text, "$") || strings.Count(text, "?") != len(order) {
			t.Errorf("%s: positional = %q, %v", name, text, order)
		}
	}
}
