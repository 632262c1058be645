package bench

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
)

// load posts signed webhooks over a number of connections for a time, each message new.
type load struct {
	addr        string // host:port
	kind        string // whaticket or chatwoot
	connections int
	contacts    int
	first       int64 // message numbers start here
	duration    time.Duration
}

// result is what a load came to.
type result struct {
	accepted int
	refused  int
	seconds  float64
	latency  []time.Duration // sorted
}

func (r result) quantile(q float64) time.Duration {
	if len(r.latency) == 0 {
		return 0
	}
	return r.latency[min(len(r.latency)-1, int(q*float64(len(r.latency))))]
}

// run drives the load with a bare HTTP/1.1 client, since the generator shares the machine's
// cores with what it measures. Connecting is part of what is measured where a connection
// serves one request.
func (l load) run(b *testing.B) result {
	b.Helper()
	request := l.whaticket
	if l.kind == "chatwoot" {
		request = chatwootRequests(b, l.addr, l.contacts)
	}
	var next atomic.Int64
	next.Store(l.first)
	var wg sync.WaitGroup
	parts := make([]result, l.connections)
	started := time.Now()
	deadline := started.Add(l.duration)
	for c := range l.connections {
		wg.Go(func() {
			part := &parts[c]
			var conn *wire
			defer func() { conn.close() }()
			for time.Now().Before(deadline) {
				message := request(next.Add(1))
				begun := time.Now()
				status, err := conn.do(l.addr, message, &conn)
				if err != nil {
					b.Errorf("post: %v", err)
					return
				}
				if status/100 != 2 {
					part.refused++
					continue
				}
				part.accepted++
				part.latency = append(part.latency, time.Since(begun))
			}
		})
	}
	wg.Wait()
	out := result{seconds: time.Since(started).Seconds()}
	for _, p := range parts {
		out.accepted += p.accepted
		out.refused += p.refused
		out.latency = append(out.latency, p.latency...)
	}
	slices.Sort(out.latency)
	return out
}

func (l load) whaticket(n int64) []byte {
	number := 5511900000000 + n%int64(l.contacts)
	body := fmt.Appendf(nil, `{"key":{"remoteJid":"%d@s.whatsapp.net","fromMe":false,"id":"B%015d"},"messageTimestamp":%d,"pushName":"Maria Souza","broadcast":false,"message":{"conversation":"Olá, bom dia! Vocês atendem amanhã de manhã? Queria marcar um horário."}}`, number, n, time.Now().Unix())
	return signed(l.addr, "/webhook/whaticket", body, "X-Timestamp", "X-Signature", "")
}

// chatwootRequests makes requests of the size and shape that Chatwoot sends: its recorded
// text message with other ids.
func chatwootRequests(b *testing.B, addr string, contacts int) func(int64) []byte {
	b.Helper()
	raw, err := fs.ReadFile(chatwoottest.Events(), "message_created.incoming.whatsapp_text.json")
	if err != nil {
		b.Fatal(err)
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, raw); err != nil {
		b.Fatal(err)
	}
	template := flat.String()
	return func(n int64) []byte {
		contact := strconv.FormatInt(100000+n%int64(contacts), 10)
		body := strings.NewReplacer(`"id":9010`, `"id":`+strconv.FormatInt(n, 10), `"id":128`, `"id":`+contact, `"conversation_id":128`, `"conversation_id":`+contact,
			`"id":42`, `"id":`+contact, `"+5511900000042"`, `"+55119`+contact+`42"`).Replace(template)
		return signed(addr, "/api/v1/webhooks/agentbot", []byte(body), "X-Chatwoot-Timestamp", "X-Chatwoot-Signature", "sha256=")
	}
}

// signed is a whole HTTP request.
func signed(addr, path string, body []byte, timestamp, signature, prefix string) []byte {
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secretText))
	mac.Write([]byte(ts + "."))
	mac.Write(body)
	out := fmt.Appendf(make([]byte, 0, len(body)+400), "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s: %s\r\n%s: %s%s\r\n\r\n",
		path, addr, len(body), timestamp, ts, signature, prefix, hex.EncodeToString(mac.Sum(nil)))
	return append(out, body...)
}

// wire is a client's connection.
type wire struct {
	net.Conn
	r *bufio.Reader
}

func (w *wire) close() {
	if w != nil {
		w.Conn.Close()
	}
}

// do makes one request, on this connection or, where it is nil, on a new one; *next is the
// connection for the next request, nil when the server closes this one.
func (w *wire) do(addr string, request []byte, next **wire) (int, error) {
	if w == nil {
		c, err := (&net.Dialer{KeepAlive: -1}).Dial("tcp", addr)
		if err != nil {
			return 0, err
		}
		w = &wire{c, bufio.NewReaderSize(c, 1024)}
	}
	*next = nil
	if _, err := w.Write(request); err != nil {
		w.close()
		return 0, err
	}
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.close()
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if resp.Close || err != nil {
		w.close()
		return resp.StatusCode, err
	}
	*next = w
	return resp.StatusCode, nil
}

// post makes one request on a connection of its own.
func post(addr, path string, body []byte) (int, error) {
	var w *wire
	status, err := w.do(addr, signed(addr, path, body, "X-Timestamp", "X-Signature", ""), &w)
	w.close()
	return status, err
}
