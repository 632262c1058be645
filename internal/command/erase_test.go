package command_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/command"
	"secretaria/internal/conversation"
	"secretaria/internal/httpclient"
	"secretaria/internal/job"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/openai"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/sqlite"
	"secretaria/internal/telemetry"
)

// planted are the strings of one person, by where they are put. Each is somewhere in the
// database before the person is erased, and nowhere afterwards.
func planted() map[string]string {
	return map[string]string{
		"name": "Marialva Quintanilha", "name at chatwoot": "Marialva Q. Bittencourt", "lid": "187650137000999",
		"phone": "+5511987650137", "phone as digits": "5511987650137", "choice": "opcao-planta-33", "phone as written": "(11) 98765-0137", "second phone": "11 3344-7788",
		"cpf": "529.982.247-25", "cpf as digits": "52998224725", "cnpj": "11.222.333/0001-81", "e-mail": "marialva.q@exemplo-planta.com.br", "card": "4111 1111 1111 1111", "pix": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
		"address": "Rua das Jabuticabeiras Roxas, 4711", "cep": "04711-130", "plate": "QXZ7A91", "birthday": "14/07/1971",
		"first message": "zebra-azul-primeira", "second message": "zebra-azul-segunda", "third message": "zebra-azul-terceira", "chatwoot message": "zebra-azul-chatwoot", "edited": "zebra-azul-antes", "edit": "zebra-azul-depois",
		"quoted": "zebra-azul-citada", "file name": "exame-da-marialva.pdf", "answer": "girafa-verde-um", "answer at chatwoot": "girafa-verde-dois", "person": "girafa-verde-pessoa", "note": "girafa-verde-nota",
		"memory": "resumo-planta: pediu desconto", "profile": "perfil-planta: prefere manhã", "lead": "lead-planta: dor principal", "lead quote": "citação-planta: usamos planilhas", "lead name": "Marialva do Lead",
		"workflow arguments": "argumento-planta-77", "workflow result": "resultado-planta-88", "failure": "causa-planta-99", "attribute": "atributo-planta-55", "label": "etiqueta-planta-66", "helpdesk's id": "wamid.PLANTA0001",
	}
}

const (
	erasedPhone    = "5511987650137"
	erasedLine     = "+5511987650137"
	erasedChat     = erasedPhone + "@s.whatsapp.net"
	eraseSecret    = "a-secret-of-this-test-alone-0001"
	eraseBotSecret = "a-secret-of-this-test-alone-0002"
)

// logs is where a server writes.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// town is a server with its helpdesks, on one of the databases.
type town struct {
	*testing.T
	dir       string
	environ   []string
	options   app.Options
	app       *app.App
	log       *logs
	whaticket *whatickettest.Server
	chatwoot  *chatwoottest.Server
	model     *llmtest.OpenAI
}

func newTown(t *testing.T, postgresURL string) *town {
	t.Helper()
	w := &town{T: t, dir: t.TempDir(), log: &logs{}, whaticket: &whatickettest.Server{}, model: &llmtest.OpenAI{}}
	w.must(w.whaticket.Start())
	t.Cleanup(w.whaticket.Close)
	w.must(w.model.Start())
	t.Cleanup(func() { _ = w.model.Close() })
	var err error
	w.chatwoot, err = chatwoottest.Start(chatwoottest.Options{Secret: eraseBotSecret, RetryDelay: 10 * time.Millisecond})
	w.must(err)
	t.Cleanup(w.chatwoot.Close)
	p := planted()
	w.model.Respond = func(r *llmtest.Request) llmtest.Reply {
		if strings.Contains(r.LastUser(), p["chatwoot message"]) {
			return llmtest.Reply{Text: "Certo: " + p["answer at chatwoot"]}
		}
		return llmtest.Reply{Text: "Certo: " + p["answer"]}
	}
	database := filepath.Join(w.dir, "data", "secretaria.db")
	w.environ = []string{"DATABASE_URL=sqlite:" + database}
	w.options = app.Options{
		Version: "test", Host: "127.0.0.1", Database: database, Addresses: httpclient.Local(), Desks: []agent.Config{{Name: "secretaria"}},
		Inboxes: []app.Inbox{
			{Name: "whaticket", Desk: "secretaria", Whaticket: &whaticket.Config{BaseURL: w.whaticket.URL(), Token: secret.New(whatickettest.DefaultToken), Secrets: []secret.String{secret.New(eraseSecret)}}},
			{Name: "chatwoot", Desk: "secretaria", Chatwoot: &chatwoot.Config{BaseURL: w.chatwoot.URL(), AccountID: "1", Token: secret.New("bot-token"), Secrets: []secret.String{secret.New(eraseBotSecret)}}},
		},
		Models: app.Models{OpenAI: &openai.Config{APIKey: secret.New("sk-test"), Model: "gpt-test", BaseURL: w.model.BaseURL()}},
		Quiet:  conversation.Quiet{Window: 20 * time.Millisecond, Max: time.Second}, DedupeWindow: 5 * time.Minute, Logger: telemetry.NewLogger(w.log, nil, "json"),
	}
	if postgresURL != "" {
		w.environ = []string{"DATABASE_URL=" + postgresURL}
		w.options.Postgres = secret.New(postgresURL)
	}
	return w
}

func (w *town) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// serve runs the server until the returned function stops it.
func (w *town) serve() (stop func()) {
	w.Helper()
	var err error
	w.app, err = app.New(w.Context(), w.options)
	w.must(err)
	w.must(w.app.Start(w.Context()))
	w.chatwoot.SetWebhook("http://"+w.app.Addr()+"/api/v1/webhooks/agentbot", eraseBotSecret)
	var once sync.Once
	stop = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
			defer cancel()
			if err := w.app.Stop(ctx); err != nil {
				w.Errorf("stop: %v", err)
			}
		})
	}
	w.Cleanup(stop)
	return stop
}

func (w *town) until(what string, condition func() bool) {
	w.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			w.Fatalf("waited a minute for %s; log:\n%s", what, w.log)
		}
	}
}

// writes lets the person write by Whaticket, and returns the webhook and its answer.
func (w *town) writes(id, text string) (body []byte, answer string) {
	w.Helper()
	body, err := json.Marshal(map[string]any{"key": map[string]any{"remoteJid": erasedChat, "fromMe": false, "id": id}, "pushName": planted()["name"],
		"message": map[string]any{"conversation": text}, "messageTimestamp": time.Now().Unix()})
	w.must(err)
	return body, w.post(body)
}

func (w *town) post(body []byte) string {
	w.Helper()
	status, answer, err := whatickettest.Post(w.Context(), "http://"+w.app.Addr()+"/webhook/whaticket", eraseSecret, body)
	w.must(err)
	if status != 202 {
		w.Fatalf("webhook was answered %d %s", status, answer)
	}
	return strings.TrimSpace(string(answer))
}

// quiet waits until nothing is left to be done.
func (w *town) quiet() {
	w.Helper()
	w.until("an empty queue", func() bool {
		turns, deliveries, err := w.app.Store().Backlog(w.Context(), time.Now().Add(time.Hour))
		return err == nil && turns == 0 && deliveries == 0
	})
}

// live is the life of the person up to the wish to be erased: by the real way where a helpdesk
// brings it, and by the store where a whole playbook would have to be played for it.
func (w *town) live() (first []byte) {
	w.Helper()
	p := planted()
	stop := w.serve()
	first, _ = w.writes("PLANTA-1", p["first message"]+" meu CPF é "+p["cpf"]+", ou "+p["cpf as digits"]+", CNPJ "+p["cnpj"]+", telefone "+p["phone as written"]+" ou "+p["second phone"])
	w.quiet()
	w.writes("PLANTA-2", p["second message"]+" e-mail "+p["e-mail"]+", cartão "+p["card"]+", pix "+p["pix"]+", placa "+p["plate"])
	w.quiet()
	id := w.chatwoot.Open(chatwoottest.Contact{Name: p["name at chatwoot"], Phone: erasedLine})
	_, err := w.chatwoot.Customer(w.Context(), id, p["chatwoot message"]+" moro na "+p["address"]+", CEP "+p["cep"]+", nasci em "+p["birthday"])
	w.must(err)
	w.quiet()
	w.until("an answer at chatwoot", func() bool { return len(w.chatwoot.Conversation(id).Said()) > 0 })
	_, err = w.chatwoot.Human(w.Context(), id, 2, p["person"])
	w.must(err)
	w.quiet()
	stop()
	w.more()
	return first
}

// more is what the store is told itself, while no server runs.
func (w *town) more() {
	w.Helper()
	p := planted()
	fences := map[job.Lane]int64{}
	s := w.open(func(lane job.Lane, claims []job.Claim) {
		for _, c := range claims {
			fences[lane] = c.Fence
		}
	})
	defer func() { w.must(s.Close()) }()
	ctx, now := w.Context(), time.Now()
	ev := func(kind channel.EventKind, key, text string) channel.Event {
		return channel.Event{Kind: kind, Key: key, Chat: erasedChat, Content: conversation.Content{Kind: conversation.Text, Text: text},
			Contact: channel.Contact{Name: p["name"], Identities: []channel.Identity{{Kind: channel.Phone, Value: erasedLine}, {Kind: channel.LID, Value: p["lid"]}}}, Address: channel.Address{To: erasedPhone}}
	}
	tell := func(e channel.Event) store.Result {
		out, err := s.Receive(ctx, store.Arrival{Inbox: "whaticket", Channel: channel.Whaticket, Events: []channel.Event{e}, Now: now, Quiet: conversation.Quiet{}, DedupeWindow: time.Minute})
		w.must(err)
		return out[0]
	}
	third := ev(channel.Received, "PLANTA-3", p["third message"])
	third.Content.ChoiceID, third.Content.Quoted, third.Content.Detail = p["choice"], p["quoted"], map[string]string{"file": p["file name"]}
	id := tell(third).Conversation
	tell(ev(channel.Received, "PLANTA-4", p["edited"]))
	_, _, err := s.Dispatch(ctx, job.Turns, now.Add(time.Minute), 10, time.Hour)
	w.must(err)
	turn, err := s.BeginTurn(ctx, job.Turn{Conversation: id, Fence: fences[job.Turns]}, now.Add(time.Minute), time.Hour, 20)
	w.must(err)
	order := func(id string, kind channel.OrderKind, text string) channel.Order {
		return channel.Order{Delivery: conversation.DeliveryID(id), Kind: kind, Text: text}
	}
	say, note, call, set := order("planta-say", channel.Say, "um momento"), order("planta-note", channel.Note, p["note"]), order("planta-call", channel.Call, ""), order("planta-set", channel.Attributes, "")
	call.Workflow, call.Arguments = "criar_lead", fmt.Sprintf(`{"nome":%q}`, p["workflow arguments"])
	set.Attributes, set.Labels = map[string]string{"obs": p["attribute"]}, []string{p["label"]}
	w.must(s.Decide(ctx, store.Decision{Conversation: id, Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision, Through: turn.Pending[len(turn.Pending)-1].ID,
		Orders: []channel.Order{call, say, note, set}, Now: now.Add(time.Minute), Lease: time.Hour, Record: store.Record{Outcome: "replied", StartedAt: now},
		Memory: fmt.Appendf(nil, `{"summary":%q}`, p["memory"]), Profile: fmt.Appendf(nil, `{"note":%q}`, p["profile"]),
		Lead: &store.Lead{Desk: "secretaria", ContactName: p["lead name"], State: "qualifying", Score: 1, MaxScore: 2, ScoreTable: "t 1", Body: fmt.Appendf(nil, `{"pain":%q,"quote":%q}`, p["lead"], p["lead quote"])}, OptOut: true}))
	lane := job.Deliver{Conversation: id, Fence: fences[job.Deliveries]}
	for range 4 {
		d, err := s.NextDelivery(ctx, lane, now.Add(2*time.Minute), time.Hour)
		w.must(err)
		a := store.Attempt{Delivery: d.ID, Conversation: id, Fence: lane.Fence, Number: d.Attempts, Outcome: store.AttemptSent, StartedAt: now, Now: now.Add(2 * time.Minute), Key: p["helpdesk's id"]}
		if d.Order.Kind == channel.Note {
			a.Outcome, a.Cause = store.AttemptFailed, p["failure"]
		}
		w.must(s.FinishAttempt(ctx, a))
	}
	_, err = s.NextDelivery(ctx, lane, now.Add(2*time.Minute), time.Hour)
	if err == nil {
		w.Fatal("there is more to be delivered")
	}
	_, err = s.Reported(ctx, store.Report{Delivery: "planta-call", ID: "r1", Content: conversation.Content{Kind: conversation.Result, Text: p["workflow result"]}, Now: now.Add(3 * time.Minute)})
	w.must(err)
	edit := ev(channel.Edited, "", p["edit"])
	edit.Target = "PLANTA-4"
	// What is edited away is nowhere from then on; the words before are said once more.
	tell(edit)
	tell(ev(channel.Received, "PLANTA-5", p["edited"]))
}

// open opens the database that no server runs on.
func (w *town) open(noted func(job.Lane, []job.Claim)) store.Store {
	w.Helper()
	if w.options.Postgres.IsZero() {
		db, err := sqlite.Open(w.Context(), w.options.Database, true)
		w.must(err)
		s, err := sqlite.New(w.Context(), db, func(_ context.Context, _ *sql.Tx, lane job.Lane, claims []job.Claim) error {
			noted(lane, claims)
			return nil
		})
		w.must(err)
		return s
	}
	db, err := postgres.Open(w.Context(), w.options.Postgres.Reveal())
	w.must(err)
	s, err := postgres.New(w.Context(), db, func(_ context.Context, _ pgx.Tx, lane job.Lane, claims []job.Claim) error {
		noted(lane, claims)
		return nil
	})
	w.must(err)
	return s
}

// bytesOf are all files beneath a folder.
func (w *town) bytesOf(dir string) []byte {
	w.Helper()
	var all bytes.Buffer
	w.must(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	}))
	return all.Bytes()
}

// missing are the planted strings that are not there; found are those that are.
func missing(text []byte) (absent, found []string) {
	for what, s := range planted() {
		if bytes.Contains(text, []byte(s)) {
			found = append(found, what)
		} else {
			absent = append(absent, what)
		}
	}
	return absent, found
}

// After an erasure beside the running server none of the person's strings is in any file of
// the database, in the log, or in what the command says; a repeat changes nothing, and the
// wish for no messages is still known.
func TestEraseLeavesNoByte(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	first := w.live()
	w.serve()
	w.quiet()
	if n := len(planted()); n < 40 {
		t.Fatalf("%d strings are planted, want 40 at least", n)
	}
	if absent, _ := missing(w.bytesOf(w.dir)); len(absent) > 0 {
		t.Fatalf("before the erasure %q are nowhere: the test would prove nothing", absent)
	}
	dossier := filepath.Join(t.TempDir(), "entrega")
	if r := run(t, w.dir, w.environ, "contact", "export", "--phone", planted()["phone as written"], "--out", dossier); r.code != 0 {
		t.Fatalf("contact export: %v", r)
	}
	if absent, _ := missing(w.bytesOf(dossier)); len(absent) > 0 {
		t.Errorf("the export says nothing of %q", absent)
	}
	said := w.erases()
	w.gone("the files", w.bytesOf(w.dir))
	w.gone("the log", []byte(w.log.String()))
	w.gone("what the command says", []byte(said))
	w.after(first)
}

// erases erases the person by the telephone number and returns what the command said.
func (w *town) erases() string {
	w.Helper()
	var out bytes.Buffer
	code := command.Run(w.Context(), command.Env{Program: "secretaria", Environ: w.environ, Dir: w.dir, Stdout: &out, Stderr: &out}, []string{"contact", "erase", "--phone", "11 98765-0137", "--yes"})
	if code != 0 {
		w.Fatalf("contact erase: exit %d: %s", code, &out)
	}
	for _, want := range []string{"erased", "2 contacts", "messages", "leads", "opt_outs", "forgotten"} {
		if !strings.Contains(out.String(), want) {
			w.Errorf("contact erase does not say %q:\n%s", want, &out)
		}
	}
	return out.String()
}

func (w *town) gone(where string, text []byte) {
	w.Helper()
	if _, found := missing(text); len(found) > 0 {
		w.Errorf("after the erasure %s still have %q", where, found)
	}
}

// after is what must hold once the person is erased.
func (w *town) after(first []byte) {
	w.Helper()
	if answer := w.post(first); answer != `{"queued":true,"duplicate":true}` {
		w.Errorf("a repeat after the erasure was answered %s", answer)
	}
	r := run(w.T, w.dir, w.environ, "contact", "find", "--phone", erasedPhone, "--json")
	if r.code != 0 || strings.TrimSpace(r.stdout) != "[]" {
		w.Errorf("contact find after the erasure: %v", r)
	}
	r = run(w.T, w.dir, w.environ, "audit", "list", "--phone", erasedPhone, "--json")
	if r.code != 0 || strings.Count(r.stdout, `"contact.erase"`) != 2 || strings.Contains(r.stdout, "98765") {
		w.Errorf("audit list: %v, want two erasures, one for each inbox", r)
	}
	sent := len(w.whaticket.Sent())
	w.writes("PLANTA-9", "voltei")
	w.quiet()
	if n := len(w.whaticket.Sent()); n != sent {
		w.Errorf("who wanted no more messages was sent %d after the erasure", n-sent)
	}
}

// On PostgreSQL no table has any of the strings, and after VACUUM FULL no file of the tables.
func TestEraseOnPostgres(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t)
	url := s.Schema(t)
	w := newTown(t, url)
	first := w.live()
	w.serve()
	w.quiet()
	if absent, _ := missing(w.dump(url)); len(absent) > 0 {
		t.Fatalf("before the erasure %q are nowhere: the test would prove nothing", absent)
	}
	said := w.erases()
	w.gone("the tables", w.dump(url))
	w.gone("the log", []byte(w.log.String()))
	w.gone("what the command says", []byte(said))
	conn, err := pgx.Connect(t.Context(), url)
	w.must(err)
	defer conn.Close(context.Background())
	for _, query := range []string{"vacuum full", "checkpoint"} {
		_, err = conn.Exec(t.Context(), query)
		w.must(err)
	}
	var data string
	w.must(conn.QueryRow(t.Context(), "show data_directory").Scan(&data))
	if base := w.bytesOf(filepath.Join(data, "base")); len(base) < 1<<20 {
		t.Errorf("only %d bytes of tables are found", len(base))
	} else {
		w.gone("the files of the tables", base)
	}
	w.after(first)
}

// dump is every row of every table of the schema.
func (w *town) dump(url string) []byte {
	w.Helper()
	conn, err := pgx.Connect(w.Context(), url)
	w.must(err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(w.Context(), "select relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace")
	w.must(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.must(err)
	var all bytes.Buffer
	for _, table := range tables {
		_, err := conn.PgConn().CopyTo(w.Context(), &all, "copy "+pgx.Identifier{table}.Sanitize()+" to stdout")
		w.must(err)
	}
	return all.Bytes()
}
