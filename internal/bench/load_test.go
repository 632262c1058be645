package bench

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
)

const (
	whaticketPath = "/webhook/whaticket"
	chatwootPath  = "/api/v1/webhooks/agentbot"
)

// Whom the kinds of webhooks are from: Whaticket closes its connection after each, Chatwoot
// keeps it.
const (
	whaticketKind = "Whaticket"
	chatwootKind  = "Chatwoot"
)

func kinds() []string { return []string{whaticketKind, chatwootKind} }

// Places in a body: a message's number, a person's token of seven digits, the time.
const (
	markMessage = "\x00m"
	markPerson  = "\x00p"
	markUnix    = "\x00u"
	markTime    = "\x00t"
)

// body is a webhook with places to fill in.
type body struct {
	kind, path, timestamp, signature, prefix string
	pieces                                   []string // the first as it is, the others begin with the letter of their mark
}

func bodyOf(kind string) (body, error) {
	if kind == whaticketKind {
		text := `{"key":{"remoteJid":"551198` + markPerson + `@s.whatsapp.net","fromMe":false,"id":"B` + markMessage + `"},"messageTimestamp":` + markUnix +
			`,"pushName":"Maria Souza","broadcast":false,"message":{"conversation":"Olá, bom dia! Vocês atendem amanhã de manhã? Queria marcar um horário."}}`
		return body{kind, whaticketPath, "X-Timestamp", "X-Signature", "", strings.Split(text, "\x00")}, nil
	}
	// The recorded text message: of the size and shape that Chatwoot sends.
	raw, err := fs.ReadFile(chatwoottest.Events(), "message_created.incoming.whatsapp_text.json")
	if err != nil {
		return body{}, err
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, raw); err != nil {
		return body{}, err
	}
	text := strings.NewReplacer(`"id":9010`, `"id":`+markMessage, `FDNB0001"`, `FDNB`+markMessage+`"`,
		`"id":128`, `"id":`+markPerson, `"conversation_id":128`, `"conversation_id":`+markPerson,
		`"id":42`, `"id":`+markPerson, `"contact_id":42`, `"contact_id":`+markPerson, `"sender_id":42`, `"sender_id":`+markPerson,
		`5511900000042`, `551198`+markPerson, `1789049007`, markUnix, `2026-09-10T14:03:27.412Z`, markTime).Replace(flat.String())
	for _, mark := range []string{markMessage, markPerson, markUnix, markTime} {
		if !strings.Contains(text, mark) {
			return body{}, fmt.Errorf("the recorded event has changed: no place for %q", mark[1:])
		}
	}
	return body{kind, chatwootPath, "X-Chatwoot-Timestamp", "X-Chatwoot-Signature", "sha256=", strings.Split(text, "\x00")}, nil
}

// request is a whole signed HTTP request.
func (t body) request(message, person int64) []byte {
	now := time.Now()
	unix, iso := strconv.FormatInt(now.Unix(), 10), now.UTC().Format("2006-01-02T15:04:05.000Z")
	text := []byte(t.pieces[0])
	for _, p := range t.pieces[1:] {
		switch p[0] {
		case 'm':
			text = strconv.AppendInt(text, message, 10)
		case 'p':
			text = strconv.AppendInt(text, person, 10)
		case 'u':
			text = append(text, unix...)
		case 't':
			text = append(text, iso...)
		}
		text = append(text, p[1:]...)
	}
	mac := hmac.New(sha256.New, []byte(secretText))
	mac.Write([]byte(unix + "."))
	mac.Write(text)
	out := fmt.Appendf(make([]byte, 0, len(text)+320), "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s: %s\r\n%s: %s%s\r\n\r\n",
		t.path, len(text), t.timestamp, unix, t.signature, t.prefix, hex.EncodeToString(mac.Sum(nil)))
	return append(out, text...)
}

// Tokens of people: those who are known from the first up, those who are new from further up.
const (
	firstPerson   = 1_000_000
	firstStranger = 3_000_000
)

// numbers of messages and of strangers, each used once in a run.
var numbers, strangers atomic.Int64

// crowd is who writes.
type crowd struct {
	people   int // known; half of them on each channel
	newcomer int // one in so many messages is by somebody new; 0: none
}

// person draws the writer of the n-th message.
func (c crowd) person(kind string, n int64) int64 {
	if c.newcomer > 0 && n%int64(c.newcomer) == 0 {
		return firstStranger + strangers.Add(1)
	}
	half := uint64(c.people / 2)
	return known(kind, int(uint64(n)*11400714819323198485>>20%half))
}

// known is the token of the i-th person of a channel. The channels' people do not overlap.
func known(kind string, i int) int64 {
	if kind == chatwootKind {
		return firstPerson + int64(2*i+1)
	}
	return firstPerson + int64(2*i)
}

// requests makes what is to be sent before the clock starts: n new messages.
func (c crowd) requests(b *testing.B, kind string, n int) [][]byte {
	b.Helper()
	t, err := bodyOf(kind)
	if err != nil {
		b.Fatal(err)
	}
	out := make([][]byte, n)
	for i := range out {
		number := numbers.Add(1)
		out[i] = t.request(1<<40+number, c.person(kind, number))
	}
	return out
}

// everybody makes one message of each person of a channel who is to be known.
func (c crowd) everybody(b *testing.B, kind string) [][]byte {
	b.Helper()
	t, err := bodyOf(kind)
	if err != nil {
		b.Fatal(err)
	}
	out := make([][]byte, c.people/2)
	for i := range out {
		out[i] = t.request(1<<40+numbers.Add(1), known(kind, i))
	}
	return out
}

// result is what driving came to.
type result struct {
	done, refused int
	seconds       float64
	latency       []time.Duration // sorted
}

func (r result) quantile(q float64) time.Duration {
	if len(r.latency) == 0 {
		return 0
	}
	return r.latency[min(len(r.latency)-1, int(q*float64(len(r.latency))))]
}

func (r result) sample() sample {
	return sample{rate: float64(r.done) / r.seconds, p50: ms(r.quantile(.5)), p99: ms(r.quantile(.99)), refused: float64(r.refused)}
}

var (
	errRefused = errors.New("refused")
	errDry     = errors.New("nothing left to send")
)

// caller does one thing after the other.
type caller interface {
	do() error
	end()
}

// drive lets callers go for a time, each without a pause: what is measured is a closed loop.
func drive(b *testing.B, d time.Duration, callers []caller) result {
	b.Helper()
	runtime.GC() // what was made before is not to be cleared away within
	var wg sync.WaitGroup
	parts := make([]result, len(callers))
	started := time.Now()
	deadline := started.Add(d)
	for i, c := range callers {
		wg.Go(func() {
			defer c.end()
			part := &parts[i]
			for begun := time.Now(); begun.Before(deadline); {
				err := c.do()
				now := time.Now()
				switch {
				case err == nil:
					part.done++
					part.latency = append(part.latency, now.Sub(begun))
				case errors.Is(err, errDry):
					return
				case errors.Is(err, errRefused):
					part.refused++
				default:
					b.Errorf("drive: %v", err)
					return
				}
				begun = now
			}
		})
	}
	wg.Wait()
	out := result{seconds: time.Since(started).Seconds()}
	for _, p := range parts {
		out.done += p.done
		out.refused += p.refused
		out.latency = append(out.latency, p.latency...)
	}
	slices.Sort(out.latency)
	return out
}

// queue hands out requests, each once, or round and round.
type queue struct {
	requests [][]byte
	again    bool
	next     atomic.Int64
}

func (q *queue) take() ([]byte, bool) {
	n := q.next.Add(1) - 1
	if q.again {
		n %= int64(len(q.requests))
	}
	if n >= int64(len(q.requests)) {
		return nil, false
	}
	return q.requests[n], true
}

// poster is one connection of a helpdesk; where the server closes it, the next request opens
// another, which is then part of what is measured.
type poster struct {
	queue *queue
	addrs []string // its turn-about targets: each connection has one
	turn  int
	conn  net.Conn
	r     *bufio.Reader
}

func posters(q *queue, n int, addrs []string) []caller {
	out := make([]caller, n)
	for i := range out {
		out[i] = &poster{queue: q, addrs: addrs, turn: i}
	}
	return out
}

func (p *poster) end() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

func (p *poster) do() error {
	request, ok := p.queue.take()
	if !ok {
		return errDry
	}
	status, err := p.post(request)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return errRefused
	}
	return nil
}

// post makes one request. It reads just enough of the answer, because generator and server
// share the processors.
func (p *poster) post(request []byte) (status int, err error) {
	if p.conn == nil {
		addr := p.addrs[p.turn%len(p.addrs)]
		p.turn++
		if p.conn, err = (&net.Dialer{KeepAlive: -1}).Dial("tcp", addr); err != nil {
			return 0, err
		}
		if p.r == nil {
			p.r = bufio.NewReaderSize(nil, 2048)
		}
		p.r.Reset(p.conn)
	}
	keep := false
	defer func() {
		if err != nil || !keep {
			p.end()
		}
	}()
	if _, err := p.conn.Write(request); err != nil {
		return 0, err
	}
	length := -1
	keep = true
	for first := true; ; first = false {
		line, err := p.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if len(line) < 12 {
				return 0, fmt.Errorf("no status line: %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
			continue
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("connection")):
			keep = !bytes.EqualFold(value, []byte("close"))
		}
	}
	if length < 0 {
		if keep {
			return 0, errors.New("an answer without Content-Length")
		}
		_, err = io.Copy(io.Discard, p.r)
		return status, err
	}
	_, err = p.r.Discard(length)
	return status, err
}

// postAll sends requests over a few connections, each once, and wants all accepted.
func postAll(b *testing.B, requests [][]byte, connections int, addrs ...string) {
	b.Helper()
	r := drive(b, time.Hour, posters(&queue{requests: requests}, connections, addrs))
	if r.done != len(requests) {
		b.Fatalf("%d of %d webhooks were accepted, %d refused", r.done, len(requests), r.refused)
	}
}

// site is what webhooks are sent to.
type site struct {
	processes []*process
	web       []string // addresses of those that take webhooks
	server    *cluster // nil: no database server
}

// used is processor time so far.
func (s site) used() (ours, db, own time.Duration) {
	for _, p := range s.processes {
		ours += p.cpu()
	}
	return ours, s.server.cpu(), ownCPU()
}

// watch measures what happens in do, which returns how many times.
func (s site) watch(b *testing.B, do func() result) sample {
	b.Helper()
	for _, p := range s.processes {
		p.forgetPeak()
	}
	begun, machine := time.Now(), machineCPU()
	ours, db, own := s.used()
	r := do()
	ours2, db2, own2 := s.used()
	elsewhere.add(time.Since(begun), machineCPU()-machine-(ours2-ours)-(db2-db)-(own2-own))
	out := r.sample()
	n := float64(max(r.done, 1))
	out.ours, out.db, out.load = ms(ours2-ours)/n, ms(db2-db)/n, ms(own2-own)/n
	for _, p := range s.processes {
		_, peak := p.memory(b)
		out.memory = max(out.memory, peak)
	}
	return out
}

// elsewhere is what the processors did besides, while we measured: the kernel's own threads,
// idle processes of ours that are not part of the row, and whoever else is on the machine.
var elsewhere others

type others struct{ measured, busy time.Duration }

func (o *others) add(measured, busy time.Duration) {
	o.measured, o.busy = o.measured+measured, o.busy+busy
}

// take tells the share of all processors since it was last asked.
func (o *others) take() (float64, bool) {
	defer func() { *o = others{} }()
	return o.busy.Seconds() / max(o.measured.Seconds(), 1e-9) / float64(runtime.NumCPU()), o.measured > 0
}

// A generator is never asked for more than this: webhooks a second, and those of one connection.
const (
	mostRequests   = 12_000
	mostConnection = 3_000
)

// load is a measured load of webhooks.
func (s site) load(b *testing.B, p plan, kind string, connections int, who crowd) sample {
	b.Helper()
	most := float64(min(mostRequests, mostConnection*connections))
	q := &queue{requests: who.requests(b, kind, int(most*(p.warm+p.measure).Seconds()))}
	drive(b, p.warm, posters(q, connections, s.web))
	return s.watch(b, func() result { return drive(b, p.measure, posters(q, connections, s.web)) })
}

// repeats is a load of webhooks that go round and round.
func (s site) repeats(b *testing.B, p plan, connections int, requests [][]byte) sample {
	b.Helper()
	q := &queue{requests: requests, again: true}
	drive(b, p.warm, posters(q, connections, s.web))
	return s.watch(b, func() result { return drive(b, p.measure, posters(q, connections, s.web)) })
}
