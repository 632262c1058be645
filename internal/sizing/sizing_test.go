package sizing

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/openai"
	"secretaria/internal/secret"
	"secretaria/internal/store/postgres/postgrestest"
)

var messages = flag.Int("messages", 300, "how many messages are answered")

const (
	sharedSecret = "shared-secret-of-this-test"
	// each is how many messages a customer writes.
	each = 3
	// question and answer are as long as such are: 73 and 178 bytes.
	question = "Bom dia! Queria saber se vocês abrem no sábado e quanto custa a consulta?"
	facts    = "Abrimos aos sábados das 9h às 13h. A consulta custa R$ 180,00 e pode ser paga por pix ou cartão. "
	answer   = "Bom dia! " + facts +
		"Gostaria que eu reservasse um horário para o próximo sábado de manhã?"
)

// figures are what the server has counted so far.
type figures struct{ log, images, syncs, commits int64 }

// TestSizes answers messages of customers one after the other, each by a turn and a delivery,
// and says what that has left in the database.
func TestSizes(t *testing.T) {
	t.Parallel()
	n := *messages
	if n < each {
		t.Fatalf("-messages %d: want %d or more", n, each)
	}
	database := postgrestest.Start(t)
	w, model := &whatickettest.Server{}, &llmtest.OpenAI{}
	model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: answer} }
	must(t, w.Start())
	t.Cleanup(w.Close)
	must(t, model.Start())
	t.Cleanup(func() { _ = model.Close() })
	a, err := app.New(t.Context(), app.Options{
		Version: "test", Host: "127.0.0.1", Addresses: httpclient.Local(), Postgres: secret.New(database.URL), Desks: []agent.Config{{Name: "secretaria", Rules: facts}},
		Inboxes: []app.Inbox{{Name: "whaticket", Desk: "secretaria", Hold: time.Hour, Whaticket: &whaticket.Config{
			BaseURL: w.URL(), Token: secret.New(whatickettest.DefaultToken), Secrets: []secret.String{secret.New(sharedSecret)}}}},
		Models: app.Models{OpenAI: &openai.Config{APIKey: secret.New("sk-test"), Model: "gpt-test", BaseURL: model.BaseURL()}},
		Quiet:  conversation.Quiet{Window: 5 * time.Millisecond, Max: time.Second},
	})
	must(t, err)
	must(t, a.Start(t.Context()))
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	conn, err := pgx.Connect(t.Context(), database.URL)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })

	before := read(t, conn)
	url := "http://" + a.Addr() + "/webhook/whaticket"
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	for round := range each {
		writeAll(t, client, url, n/each)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		_, err := w.Wait(ctx, (round+1)*(n/each))
		cancel()
		must(t, err)
	}
	n -= n % each
	settle(t, a)
	after := read(t, conn)
	stored := report(t, conn, n, before, after)
	// What the arithmetic in the documents stands on. Few messages fill their pages badly.
	if stored < 2000 || n >= 300 && stored > 10_000 || n >= 3000 && stored > 4500 {
		t.Errorf("%d messages with their answers take %d bytes each, far from what docs/scaling.md counts with", n, stored)
	}
}

// writeAll lets every customer write once, sixteen at the same time.
func writeAll(t *testing.T, client *http.Client, url string, customers int) {
	t.Helper()
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range customers {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			body := whatickettest.Baileys{JID: fmt.Sprintf("55119%08d", 80_000_000+i), ID: strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", ""))[:20], Name: "Mariana Souza", Text: question, At: time.Now()}.Body()
			req, err := whatickettest.SignedRequest(url, sharedSecret, body)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := client.Do(req.WithContext(t.Context()))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				t.Errorf("webhook was answered %d", resp.StatusCode)
			}
		})
	}
	all.Wait()
}

// settle waits until nothing is left to be done or to be written down.
func settle(t *testing.T, a *app.App) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		turns, deliveries, err := a.Store().Backlog(t.Context(), time.Now().Add(time.Hour))
		must(t, err)
		if turns == 0 && deliveries == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d turns and %d deliveries are left", turns, deliveries)
		}
	}
}

func read(t *testing.T, conn *pgx.Conn) (f figures) {
	t.Helper()
	// Backends tell what they counted when they are idle for a moment.
	must(t, conn.QueryRow(t.Context(), "select wal_bytes::bigint, wal_fpi, wal_sync from pg_stat_wal").Scan(&f.log, &f.images, &f.syncs))
	must(t, conn.QueryRow(t.Context(), "select xact_commit from pg_stat_database where datname = current_database()").Scan(&f.commits))
	return f
}

// report logs the figures by message, and returns the bytes that stay.
func report(t *testing.T, conn *pgx.Conn, n int, before, after figures) int64 {
	t.Helper()
	found, err := conn.Query(t.Context(), `select relname, pg_table_size(oid), pg_indexes_size(oid), (select count(*) from pg_index where indrelid = c.oid)
		from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace order by pg_total_relation_size(oid) desc`)
	must(t, err)
	type table struct {
		Name           string
		Heap, Index    int64
		NumberOfIndexs int64
	}
	tables, err := pgx.CollectRows(found, pgx.RowToStructByPos[table])
	must(t, err)
	var sum, queue int64
	t.Logf("%d messages of %d customers, each with a turn, an answer and its delivery; by message:", n, n/each)
	for _, x := range tables {
		total := x.Heap + x.Index
		if strings.HasPrefix(x.Name, "river_") {
			queue += total
			continue
		}
		sum += total
		if total/int64(n) > 0 {
			t.Logf("  %-14s %5d bytes in rows, %5d in %d indexes", x.Name, x.Heap/int64(n), x.Index/int64(n), x.NumberOfIndexs)
		}
	}
	t.Logf("  kept           %5d bytes; the queue's jobs, for ten minutes: %d bytes", sum/int64(n), queue/int64(n))
	t.Logf("  log            %5d bytes, with %.2f images of pages of 8192 bytes", (after.log-before.log)/int64(n), float64(after.images-before.images)/float64(n))
	t.Logf("  disk           %.2f syncs, %.2f commits", float64(after.syncs-before.syncs)/float64(n), float64(after.commits-before.commits)/float64(n))
	return sum / int64(n)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
