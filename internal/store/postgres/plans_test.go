package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store/postgres/postgrestest"
)

// fill stores conversations that nobody has: one message each, every fiftieth due.
func fill(t testing.TB, db *DB, n int) {
	t.Helper()
	run(t, db, fmt.Sprintf(`
insert into contacts (inbox, name, created_at) select 'vendas', 'Maria', 1 from generate_series(1, %[1]d);
insert into identities (inbox, kind, value, contact_id, token) select 'vendas', 'raw', 'v' || id, id, 'k1:' || id from contacts;
insert into conversations (inbox, channel, thread, contact_id, holder, created_at, due_at, turn_lease, deliver_at, lane_lease)
  select 'vendas', 'whaticket', 'contact:' || id, id, 'bot', 1, case when id %% 50 = 0 then id end, 0, case when id %% 50 = 1 then id end, 0 from contacts;
insert into messages (conversation_id, author, kind, text, identity, said_at, at, pending)
  select id, 'customer', 'text', 'Bom dia', decode(md5(id::text), 'hex'), 1, 1, id %% 50 = 0 from conversations;
insert into deliveries (id, conversation_id, kind, fingerprint, status, epoch, created_at, done_at, blocked_by)
  select 'd' || id, id, 'say', decode(md5(id::text), 'hex'), case when id %% 50 = 1 then 'PENDING' when id %% 1000 = 2 then 'CANCELLED' else 'SENT' end, 0, 1, id,
         case when id %% 1000 = 2 then 'd' || id - 1 else '' end from conversations;
insert into attempts (delivery_seq, number, started_at) select seq, 1, 1 from deliveries;
insert into memories (conversation_id, body) select id, '{}' from conversations;
insert into profiles (contact_id, body) select id, '{}' from contacts;
insert into leads (conversation_id, desk, state, body, updated_at) select id, 'sdr', 'new', '{}', id from conversations;
insert into firings (conversation_id, workflow, key, delivery_id, at) select id, 'w', 'k', 'd' || id, 1 from conversations;
insert into opt_outs (inbox, kind, value, at, conversation_id) select 'vendas', 'raw', 'k1:' || id, 1, id from conversations where id %% 20 = 3;
insert into forgotten (token) select decode(md5('f' || id::text), 'hex') from conversations;
analyze contacts, identities, conversations, messages, deliveries, attempts, memories, profiles, leads, firings, opt_outs, forgotten`, n))
}

// hotQuery is a query of every message, with arguments and the indexes that it is to use.
type hotQuery struct {
	name, args string
	indexes    []string
}

func hot() []hotQuery {
	byPeople := []string{"conversations_pkey", "identities_pkey", "conversations_inbox_thread_key"}
	return []hotQuery{
		{"conversations_lock", "array['vendas'], array['1/2'], array['vendas'], array['raw'], array['v77']", byPeople},
		{"conversations_lock_free", "array['vendas'], array['1/2'], array['vendas'], array['raw'], array['v77']", byPeople},
		{"identities_known", "array['vendas'], array['raw'], array['v77']", []string{"identities_pkey"}},
		{"messages_known", `array['\x0123456789abcdef0123456789abcdef'::bytea], array['\x0123456789abcdef0123456789abcdef'::bytea]`, []string{"messages_identity", "forgotten_pkey"}},
		{"conversation_lock", "77", []string{"conversations_pkey"}},
		{"conversation_lock_by_delivery", "'d77'", []string{"conversations_pkey", "deliveries_id_key"}},
		{"message_by_identity", `'\x0123456789abcdef0123456789abcdef'`, []string{"messages_identity"}},
		{"message_last_said", "77", []string{"messages_conversation"}},
		{"message_confirm", `'d77', 'k', '\x01'`, []string{"messages_delivery"}},
		{"messages_settle", "77", []string{"messages_pending"}},
		{"messages_answer", "77, 1, 100", []string{"messages_pending"}},
		{"messages_pending", "77", []string{"messages_pending"}},
		{"messages_pending_first", "77", []string{"messages_pending"}},
		{"messages_history", "77, 20", []string{"messages_conversation", "deliveries_id_key"}},
		{"messages_transcript", "77, 20", []string{"messages_conversation"}},
		{"lane_look_turn", "5000", []string{"conversations_due"}},
		{"lane_look_delivery", "5000", []string{"conversations_deliver"}},
		{"lane_claim_turn", "5000, 6000, 20", []string{"conversations_due", "conversations_pkey"}},
		{"lane_claim_delivery", "5000, 6000, 20", []string{"conversations_deliver", "conversations_pkey"}},
		{"conversations_update", "'{77}', '{a}', '{a}', '{a}', '{bot}', '{a}', '{0}', '{0}', '{a}', '{0}', '{0}', '{0}', '{0}', '{a}', '{0}', '{0}', '{0}', '{0}'", []string{"conversations_pkey"}},
		{"delivery_head", "77, 1", []string{"deliveries_open", "conversations_pkey", "identities_contact", "opt_outs_pkey"}},
		{"delivery_by_id", "'d77'", []string{"deliveries_id_key", "conversations_pkey", "messages_conversation"}},
		{"delivery_cancel_says", "77, 'x', '', 5", []string{"deliveries_open"}},
		{"delivery_echoes", "77, 5", []string{"deliveries_"}},
		{"delivery_replay_blocked", "'d77'", []string{"deliveries_blocked"}},
		{"delivery_opted_out", "77, 5", []string{"deliveries_open", "conversations_contact"}},
		{"pauses_end", "77, 5", []string{"deliveries_open"}},
		{"turn_memory", "77", []string{"conversations_pkey", "memories_pkey", "profiles_pkey", "identities_contact", "opt_outs_pkey"}},
		{"firings_of", "77", []string{"firings_pkey", "deliveries_id_key"}},
		{"firing_insert", "77, 'w', 'k', 'd77', 5", []string{"deliveries_id_key"}},
		{"opt_out_insert", "77, 5", []string{"identities_contact"}},
		{"opt_out_delete", "77", []string{"opt_outs_conversation", "opt_outs_pkey"}},
		{"opt_out_spread", "77, 78", []string{"identities_contact", "opt_outs_pkey"}},
		{"conversations_follow", "77, 78", []string{"conversations_contact", "identities_contact"}},
		{"profile_follow", "77, 78", []string{"profiles_pkey", "identities_contact"}},
		{"attempt_end", "77, 1, 5, 'sent', 200, ''", []string{"attempts_pkey"}},
		{"backlog", "5000", []string{"conversations_due", "deliveries_open"}},
		{"oldest", "5000", []string{"conversations_due", "conversations_deliver"}},
	}
}

// The queries of every message find their rows by the indexes that are meant for them,
// planned for their arguments or for any.
func TestPlans(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("stores fifty thousand conversations")
	}
	db := openDB(t, postgrestest.URL(t))
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	conn, err := db.pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	defer conn.Release()
	texts := queries()
	// What steps ask for keeps a plan of the first day, when all is empty, from staying.
	if _, err := conn.Exec(t.Context(), strings.ReplaceAll(texts["plan_once"], "true)", "false)")); err != nil {
		t.Fatalf("plan_once: %v", err)
	}
	for _, c := range hot() {
		if plan := explain(t, conn.Conn(), "force_generic_plan", texts[c.name], c.args); strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s (planned for empty tables) reads a whole table:\n%s", c.name, plan)
		}
	}
	if _, err := conn.Exec(t.Context(), "reset enable_seqscan"); err != nil {
		t.Fatalf("reset: %v", err)
	}
	fill(t, db, 50_000)
	for _, c := range hot() {
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			plan := explain(t, conn.Conn(), mode, texts[c.name], c.args)
			if strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s (%s) reads a whole table:\n%s", c.name, mode, plan)
			}
			for _, index := range c.indexes {
				if !strings.Contains(plan, index) {
					t.Errorf("%s (%s) does not use %s:\n%s", c.name, mode, index, plan)
				}
			}
		}
	}
	// The list is planned for its filters, every time.
	for filter, index := range map[string]string{"'', '', 77, '', 100": "deliveries_conversation", "'', '', 0, 'd77', 100": "deliveries_id_key", "'', '', 0, '', 100": "deliveries_pkey"} {
		if plan := explain(t, conn.Conn(), "force_custom_plan", texts["delivery_list"], filter); !strings.Contains(plan, index) {
			t.Errorf("delivery_list(%s) does not use %s:\n%s", filter, index, plan)
		}
	}
	for filter, index := range map[string]string{"'', '', '', 77, 100": "leads_pkey", "'', '', '', 0, 100": "leads_updated"} {
		if plan := explain(t, conn.Conn(), "force_custom_plan", texts["lead_list"], filter); !strings.Contains(plan, index) {
			t.Errorf("lead_list(%s) does not use %s:\n%s", filter, index, plan)
		}
	}
}

func explain(t *testing.T, conn *pgx.Conn, mode, query, args string) string {
	t.Helper()
	for _, q := range []string{"set plan_cache_mode = " + mode, "prepare hot as " + query} {
		if _, err := conn.Exec(t.Context(), q, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	defer func() {
		if _, err := conn.Exec(t.Context(), "deallocate hot", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("deallocate: %v", err)
		}
	}()
	rows, err := conn.Query(t.Context(), "explain execute hot("+args+")", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	return strings.Join(slices.Clip(lines), "\n")
}
