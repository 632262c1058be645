package command

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// visitWithin bounds a visit; a shorter REQUEST_TIMEOUT_SECONDS bounds it further.
const visitWithin = 10 * time.Second

// skewNoted is how far clocks may be apart without a word. A Date header counts whole seconds.
const skewNoted = 30 * time.Second

// visit is one look at a peer's front door: does anybody answer, and what time is it there?
type visit struct {
	err  error // nil: somebody answered, whatever it was
	skew time.Duration
	told bool // the answer told the time
}

// visits calls the front door of every peer once, all at the same time, and returns what was
// found by origin. Who may not be called is not, and has the network client's error for it.
func visits(ctx context.Context, o app.Options, peers []looked) map[string]visit {
	client := httpclient.New(httpclient.Options{Timeout: min(o.SendTimeout, visitWithin), Policy: o.Addresses})
	defer client.Close()
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		found = map[string]visit{}
		begun = map[string]bool{}
	)
	for _, p := range peers {
		at := origin(p.URL)
		if at == "" || begun[at] {
			continue
		}
		begun[at] = true
		if p.refused != nil {
			mu.Lock()
			found[at] = visit{err: fault.Wrap(fault.Permanent, httpclient.CodeRefused, p.refused)}
			mu.Unlock()
			continue
		}
		all.Go(func() {
			v := call(ctx, client, at)
			mu.Lock()
			defer mu.Unlock()
			found[at] = v
		})
	}
	all.Wait()
	return found
}

func call(ctx context.Context, client *httpclient.Client, at string) visit {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/", nil)
	if err != nil {
		return visit{err: fault.New(fault.Invalid, "url")}
	}
	asked := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return visit{err: err}
	}
	now := asked.Add(time.Since(asked) / 2)
	there, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return visit{}
	}
	return visit{skew: there.Sub(now.Truncate(time.Second)), told: true}
}

// origin is scheme and host of an address, "" where it has none.
func origin(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// unreachable explains why nobody answered, and what to do about it; key is the setting that
// holds the address.
func unreachable(err error, key string) (text, remedy string) {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, httpclient.ErrName):
		return "its name leads to no address (DNS)",
			fmt.Sprintf("correct the host in %s, or the name server of this machine (corrija o host em %s ou o servidor de nomes desta máquina)", key, key)
	case errors.Is(err, httpclient.ErrCertificate):
		return "its certificate cannot be trusted (TLS): it is of another name, has run out, or is signed by somebody unknown",
			"renew the certificate, use the name that stands in it, or let this machine trust its authority (renove o certificado, use o nome que está nele, ou instale a autoridade nesta máquina)"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record), errors.As(err, &alert):
		return "does not speak TLS at this port",
			fmt.Sprintf("write http:// in %s, or the port that speaks TLS (escreva http:// em %s ou a porta que fala TLS)", key, key)
	case fault.Code(err) == "connection refused":
		return "nobody listens at its port (connection refused)",
			fmt.Sprintf("start it, or correct the port in %s; in a container, localhost is the container itself (inicie-o ou corrija a porta em %s; num contêiner, localhost é o próprio contêiner)", key, key)
	case fault.Code(err) == "timeout":
		return "does not answer in time (timeout)",
			fmt.Sprintf("see whether it hangs, and whether a firewall drops what comes from here; the address is in %s (veja se está travado e se um firewall descarta o que sai daqui; o endereço está em %s)", key, key)
	}
	return "cannot be reached: " + fault.Code(err),
		fmt.Sprintf("see whether it runs, and whether its address in %s can be reached from here (veja se está no ar e se o endereço em %s é alcançável daqui)", key, key)
}

// peerFindings are those of models and workflows that cannot be reached, each address once.
// Helpdesks and n8n have probes of their own.
func peerFindings(peers []looked, found map[string]visit) []finding {
	var out []finding
	said := map[string]bool{}
	for _, p := range peers {
		at := origin(p.URL)
		kind, _, _ := strings.Cut(p.About, " ")
		if v := found[at]; v.err != nil && fault.Code(v.err) != httpclient.CodeRefused && !said[at] && (kind == "model" || kind == "workflow") {
			said[at] = true
			text, remedy := unreachable(v.err, "the address of the "+p.About)
			out = append(out, finding{problem, p.About, text, remedy})
		}
	}
	return out
}

// clockFinding compares a helpdesk's clock with ours; nothing where they agree. Beyond the
// window every signed webhook is refused.
func clockFinding(i app.Inbox, found map[string]visit) (finding, bool) {
	window := whaticket.DefaultWindow
	switch {
	case i.Chatwoot != nil:
		window = cmp.Or(i.Chatwoot.Window, chatwoot.DefaultWindow)
	case i.Whaticket != nil:
		window = cmp.Or(i.Whaticket.Window, window)
	}
	v, ok := found[origin(baseOf(i))]
	if !ok || !v.told || v.skew.Abs() < min(skewNoted, window) {
		return finding{}, false
	}
	direction := "ahead of"
	if v.skew < 0 {
		direction = "behind"
	}
	f := finding{hint, "clock of " + i.Name, fmt.Sprintf("the helpdesk's clock is %v %s this machine's", v.skew.Abs().Round(time.Second), direction),
		"let both machines set their clocks by NTP: timedatectl set-ntp true (acerte o relógio das duas máquinas por NTP: timedatectl set-ntp true)"}
	if v.skew.Abs() >= window {
		f.Level = problem
		f.Text += fmt.Sprintf(", and signatures that are more than %v off are refused", window)
	}
	return f, true
}
