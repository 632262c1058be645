package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/llm/llmtest"
)

// seedVersion changes when databases that were filled before must not be used any more.
const seedVersion = 1

// modelToken is the person of whom all others are copies.
const modelToken = 7654321

// perConversation is how many messages each conversation has.
const perConversation = 3

// filledTables are the tables that grow with conversations, in an order in which rows may be
// inserted.
func filledTables() []string {
	return []string{"contacts", "identities", "conversations", "turns", "deliveries", "messages"}
}

// rows are rows of one table.
type rows struct {
	columns []string
	rows    [][]any
}

// asker reads rows, whatever the database.
type asker func(query string) (rows, error)

// mould is a conversation that the product itself has stored: what a million others are cast
// from, so that they have whatever columns and keys the product gives them.
type mould map[string]rows // by table

// play lets the product store one conversation on each channel: two questions, an answer to
// each. The model is a fake one, and no helpdesk is configured.
func play(b *testing.B, database string, ask asker) {
	b.Helper()
	model := &llmtest.OpenAI{}
	if err := model.Start(); err != nil {
		b.Fatal(err)
	}
	defer model.Close()
	s := serve(b, "", "TURN_QUIET=0s", "OPENAI_API_KEY=sk-bench", "OPENAI_BASE_URL="+model.BaseURL(), "ALLOW_PRIVATE_ADDRESSES=true", "DATABASE_URL="+database)
	defer s.stop(b)
	for round := range 2 {
		for _, kind := range kinds() {
			t, err := bodyOf(kind)
			if err != nil {
				b.Fatal(err)
			}
			postAll(b, [][]byte{t.request(1<<40+numbers.Add(1), modelToken)}, 1, s.addr)
		}
		want := strconv.Itoa(2 * (round + 1))
		await(b, func() bool {
			got, err := ask("select count(*) from deliveries where done_at > 0 having count(*) >= " + want)
			if err != nil {
				b.Fatal(err)
			}
			return len(got.rows) > 0
		})
	}
}

// await waits for what nothing announces.
func await(b *testing.B, is func() bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatal("waited in vain")
		}
	}
}

// moulds reads the conversation of each channel, in the order of kinds.
func moulds(b *testing.B, ask asker) []mould {
	b.Helper()
	get := func(query string, args ...any) rows {
		got, err := ask(fmt.Sprintf(query, args...))
		if err != nil {
			b.Fatalf("read what the product stored: %v", err)
		}
		if len(got.rows) == 0 {
			b.Fatalf("read what the product stored: nothing for %s", fmt.Sprintf(query, args...))
		}
		return got
	}
	var out []mould
	for _, kind := range kinds() {
		m := mould{}
		m["conversations"] = get("select * from conversations where channel = '%s'", strings.ToLower(kind))
		c := m["conversations"]
		id, contact := c.rows[0][c.index("id")], c.rows[0][c.index("contact_id")]
		m["contacts"] = get("select * from contacts where id = %d", contact)
		m["identities"] = get("select * from identities where contact_id = %d", contact)
		m["messages"] = get("select * from messages where conversation_id = %d order by id limit %d", id, perConversation)
		if len(m["messages"].rows) != perConversation {
			b.Fatalf("the product stored %d messages, want %d", len(m["messages"].rows), perConversation)
		}
		m["turns"] = get("select * from turns where conversation_id = %d order by id limit 1", id)
		m["deliveries"] = get("select * from deliveries where conversation_id = %d order by seq limit 1", id)
		out = append(out, m)
	}
	return out
}

func (r rows) index(column string) int {
	for i, c := range r.columns {
		if c == column {
			return i
		}
	}
	return -1
}

// caster makes the rows of a table for conversation after conversation.
type caster struct {
	table  string
	moulds []mould
	size   int
	n, k   int // the next: conversation and row within
	row    []any
}

// next is false at the end. The row is good until the next call.
func (c *caster) next() bool {
	for {
		if c.n == c.size {
			return false
		}
		from := c.moulds[c.n%len(c.moulds)][c.table]
		if c.k < len(from.rows) {
			c.row = c.cast(from, c.k)
			c.k++
			return true
		}
		c.n, c.k = c.n+1, 0
	}
}

var modelDigits = strconv.Itoa(modelToken)

// cast makes a row of the n-th conversation.
func (c *caster) cast(from rows, k int) []any {
	if len(c.row) != len(from.columns) {
		c.row = make([]any, len(from.columns))
	}
	id := int64(c.n + 1)
	message := int64(c.n*perConversation + k + 1)
	for i, column := range from.columns {
		v := from.rows[k][i]
		switch {
		case c.table == "messages" && column == "id":
			v = message
		case column == "id" && c.table != "deliveries", column == "seq", column == "contact_id", column == "conversation_id":
			v = id
		case column == "turn_id" && v != nil:
			v = id
		case (c.table == "deliveries" && column == "id" || column == "delivery_id") && v != nil:
			v = fmt.Sprintf("01930000-%04x-7%03x-8000-%012x", c.n>>16&0xffff, c.n&0xfff, c.n)
		case column == "identity" && v != nil:
			sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(message)))
			v = sum[:16]
		case c.table == "messages" && column == "key" && v != "":
			v = strconv.FormatInt(1<<50+message, 10)
		case column == "thread" && strings.HasPrefix(v.(string), "contact:"):
			v = "contact:" + strconv.FormatInt(id, 10)
		case column == "due_at", column == "deliver_at":
			v = nil
		case column == "turn_lease", column == "lane_lease", column == "first_pending":
			v = int64(0)
		case column == "pending":
			if _, ok := v.(bool); ok {
				v = false
			} else {
				v = int64(0)
			}
		default:
			switch x := v.(type) {
			case string:
				if strings.Contains(x, modelDigits) {
					v = strings.ReplaceAll(x, modelDigits, strconv.Itoa(firstPerson+c.n))
				}
			case int64:
				if x > 1_500_000_000_000 { // a time: they have written over the last year
					v = x - int64(c.size-c.n)*(365*24*3600*1000/int64(c.size))
				}
			}
		}
		c.row[i] = v
	}
	return c.row
}

// schemaName names a kind of database by what its tables and indexes look like.
func schemaName(b *testing.B, ask asker, query string) string {
	b.Helper()
	got, err := ask(query)
	if err != nil {
		b.Fatal(err)
	}
	var all bytes.Buffer
	for _, r := range got.rows {
		fmt.Fprintln(&all, r...)
	}
	sum := sha256.Sum256(all.Bytes())
	return fmt.Sprintf("v%d_%s", seedVersion, hex.EncodeToString(sum[:4]))
}

// checkFilled makes sure that those who are to be known are known: a message of one of them
// must not start a conversation.
func checkFilled(b *testing.B, ask asker, addr string) {
	b.Helper()
	count := func(what string) string {
		got, err := ask("select count(*) from " + what)
		if err != nil {
			b.Fatal(err)
		}
		return fmt.Sprint(got.rows[0][0])
	}
	before, messages := count("conversations"), count("messages")
	for _, kind := range kinds() {
		t, err := bodyOf(kind)
		if err != nil {
			b.Fatal(err)
		}
		postAll(b, [][]byte{t.request(1<<40+numbers.Add(1), known(kind, 0))}, 1, addr)
	}
	if after := count("conversations"); after != before {
		b.Fatalf("messages of known people have made %s conversations of %s: the copies are not what the product looks for", after, before)
	}
	if after := count("messages"); after == messages {
		b.Fatal("messages of known people were not stored")
	}
}
