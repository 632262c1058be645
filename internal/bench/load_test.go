package bench

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load posts signed webhooks over a number of connections for a time, each message new.
type load struct {
	addr        string // host:port
	path        string
	secret      string
	connections int
	contacts    int
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

// run drives the load with a bare HTTP/1.1 client: the generator shares the machine's cores
// with what it measures. Our answers close the connection, as Whaticket needs them to, so
// each request has one of its own, and connecting is part of what is measured.
func (l load) run(b *testing.B) result {
	var next atomic.Int64
	var wg sync.WaitGroup
	parts := make([]result, l.connections)
	started := time.Now()
	deadline := started.Add(l.duration)
	for c := range l.connections {
		wg.Go(func() {
			part := &parts[c]
			for time.Now().Before(deadline) {
				n := next.Add(1)
				begun := time.Now()
				status, err := l.post(n)
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
	sort.Slice(out.latency, func(i, j int) bool { return out.latency[i] < out.latency[j] })
	return out
}

func (l load) post(n int64) (int, error) {
	number := 5511900000000 + n%int64(l.contacts)
	body := fmt.Appendf(nil, `{"key":{"remoteJid":"%d@s.whatsapp.net","fromMe":false,"id":"B%015d"},"messageTimestamp":%d,"pushName":"Maria Souza","broadcast":false,"message":{"conversation":"Olá, bom dia! Vocês atendem amanhã de manhã? Queria marcar um horário."}}`, number, n, time.Now().Unix())
	return post(l.addr, l.path, l.secret, body)
}

// post makes one request on a connection of its own.
func post(addr, path, secret string, body []byte) (int, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(ts + "."))
	mac.Write(body)
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Timestamp: %s\r\nX-Signature: %s\r\n\r\n", path, addr, len(body), ts, hex.EncodeToString(mac.Sum(nil)))
	buf.Write(body)
	if _, err := conn.Write(buf.Bytes()); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
