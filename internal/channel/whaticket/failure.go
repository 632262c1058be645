package whaticket

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// known are the error texts whose meaning was read from the forks' sources or seen. 400 is
// used for outages, so the text decides and the status only where it says nothing. A text
// may hold names of people, so what is stored is code.
var known = []struct {
	prefix string // of the text
	kind   fault.Kind
	code   string // "": the text itself is the code
}{
	// The session of the WhatsApp number is down, or a check failed: it may pass.
	{"ERR_WAPP_NOT_INITIALIZED", fault.Transient, ""},
	{"ERR_NO_DEF_WAPP_FOUND", fault.Transient, "ERR_NO_DEF_WAPP_FOUND"}, // " in COMPANY 1" may follow
	{"ERR_WAPP_CHECK_CONTACT", fault.Transient, ""},
	{"ERR_SENDING_WAPP_MSG", fault.Transient, ""},
	{"ERR_INVALID_NUMBER", fault.Transient, ""}, // multi100's word for a check that failed
	{"ERR_INTERNAL_ERROR", fault.Transient, ""},
	// The SaaS forks say this of every failure, a wrong number and an outage alike.
	{"Não foi possível enviar a mensagem", fault.Transient, "message refused"},
	// Another open ticket of the contact was not in our list: the next look will find it.
	{"ERR_OTHER_OPEN_TICKET", fault.Transient, ""},

	{"ERR_WAPP_INVALID_CONTACT", fault.Permanent, ""},
	{"ERR_CHECK_NUMBER", fault.Permanent, ""},
	{"ERR_SYNTAX", fault.Permanent, ""},
	{"Invalid number format", fault.Permanent, "invalid number format"},
	{"number is a required field", fault.Permanent, "number required"},
	{"API Desabilitada", fault.Permanent, "plan without API"},
	{"Essa empresa não tem permissão", fault.Permanent, "plan without API"},
	{"ERR_SUBSCRIPTION_EXPIRED", fault.Permanent, ""},
	{"Ticket em outro atendimento", fault.Permanent, "ticket in another attendance"},

	{"ERR_INVALID_CREDENTIALS", fault.Unauthorized, ""},
	{"ERR_OUT_OF_HOURS", fault.Unauthorized, ""},
	{"ERR_SESSION_EXPIRED", fault.Unauthorized, ""},
	{"ERR_UNAUTHORIZED", fault.Unauthorized, ""},
	{"ERR_FORBIDDEN", fault.Unauthorized, ""},
	{"ERR_NO_PERMISSION", fault.Unauthorized, ""},
	{"Only administrators can", fault.Unauthorized, "ERR_NO_PERMISSION"},
	{"Invalid token", fault.Unauthorized, "token refused"},
	{"Acesso não permitido", fault.Unauthorized, "token refused"},

	{"ERR_NO_TICKET_FOUND", fault.NotFound, ""},
	// What the SaaS forks say of a ticket that does not exist, too.
	{"Não é possível consultar registros de outra empresa", fault.NotFound, "ticket not found"},
	{"ERR_DUPLICATED_CONTACT", fault.Conflict, ""},
}

// connectionNotFound is the answer to a whatsappId that does not exist.
var connectionNotFound = regexp.MustCompile(`^whatsapp #\d+ not found$`)

// errorCode is what a text must look like to be stored as it is.
var errorCode = regexp.MustCompile(`^ERR_[A-Z0-9_]{1,60}$`)

// failure classifies an answer; nil for success. Its Code is ours or one of Whaticket's own
// words in capitals, never free text.
func failure(resp *httpclient.Response) error {
	e := &fault.Error{Status: resp.Status, RetryAfter: httpclient.RetryAfter(resp.Header, time.Now())}
	if resp.Status >= 200 && resp.Status < 300 {
		if !webPage(resp) {
			return nil
		}
		// Whaticket's API answers with JSON or nothing. A page is its front end, or a
		// proxy: nothing was done, and nothing will be at this URL.
		e.Kind, e.Code = fault.Permanent, "not an API: a web page answered"
		return e
	}
	if resp.Status < 400 {
		e.Kind, e.Code = fault.Permanent, "redirected: the base URL is wrong"
		return e
	}
	text := errorText(resp.Body)
	if resp.Status != http.StatusTooManyRequests {
		for _, k := range known {
			if strings.HasPrefix(text, k.prefix) {
				e.Kind, e.Code = k.kind, first(k.code, k.prefix)
				return e
			}
		}
	}
	if connectionNotFound.MatchString(text) {
		e.Kind, e.Code = fault.Permanent, "connection not found"
		return e
	}
	e.Kind, e.Code = byStatus(resp.Status, text != "")
	if errorCode.MatchString(text) {
		e.Code = text
	}
	return e
}

// byStatus classifies an answer whose text says nothing; words is whether it had any.
func byStatus(status int, words bool) (fault.Kind, string) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Unauthorized, "token refused"
	case http.StatusPaymentRequired:
		return fault.Permanent, "subscription expired"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if words {
			return fault.NotFound, "not found"
		}
		return fault.Permanent, "no such route: the base URL is wrong"
	case http.StatusRequestEntityTooLarge:
		return fault.Permanent, "message too long"
	case http.StatusTooManyRequests:
		return fault.RateLimited, "too many requests"
	// A proxy gave up waiting (524 is Cloudflare's); Whaticket itself may have gone on.
	case http.StatusGatewayTimeout, 524:
		return fault.Uncertain, "proxy timeout"
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return fault.Transient, "unavailable"
	}
	if status >= 500 {
		return fault.Transient, "server error"
	}
	// An unknown text on a 400: forks translate and rename theirs, and most are outages.
	// Tries are bounded above us.
	return fault.Transient, "request refused"
}

// errorText returns the "error" of an answer, "" when it has none.
func errorText(body []byte) string {
	var answer struct {
		Error any `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	s, _ := answer.Error.(string)
	return strings.TrimSpace(s)
}

func webPage(resp *httpclient.Response) bool {
	body := strings.TrimSpace(string(resp.Body[:min(len(resp.Body), 64)]))
	return strings.HasPrefix(body, "<") || body != "" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
}
