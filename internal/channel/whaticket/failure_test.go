package whaticket

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// recorded reads an answer as it was recorded.
func recorded(t *testing.T, file string) *httpclient.Response {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Response struct {
			Status   int
			Headers  map[string]string
			Body     json.RawMessage
			BodyText string `json:"body_text"`
		}
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	resp := &httpclient.Response{Status: e.Response.Status, Header: http.Header{}}
	for k, v := range e.Response.Headers {
		resp.Header.Set(k, v)
	}
	if resp.Body = e.Response.Body; string(resp.Body) == "null" || resp.Body == nil {
		resp.Body = []byte(e.Response.BodyText)
	}
	return resp
}

// Every recorded answer has its kind and its code; what is not listed is a success.
func TestFailureRecorded(t *testing.T) {
	t.Parallel()
	type outcome struct {
		kind fault.Kind
		code string
	}
	want := map[string]outcome{
		"contact-duplicate":                    {fault.Conflict, "ERR_DUPLICATED_CONTACT"},
		"jwt-expired-ticketz":                  {fault.Unauthorized, "ERR_SESSION_EXPIRED"},
		"jwt-invalid-or-expired":               {fault.Unauthorized, "token refused"},
		"jwt-missing-header":                   {fault.Unauthorized, "ERR_SESSION_EXPIRED"},
		"login-invalid-credentials":            {fault.Unauthorized, "ERR_INVALID_CREDENTIALS"},
		"login-out-of-hours":                   {fault.Unauthorized, "ERR_OUT_OF_HOURS"},
		"login-rate-limited":                   {fault.RateLimited, "too many requests"},
		"me-absent-community":                  {fault.Permanent, "no such route: the base URL is wrong"},
		"message-post-no-ticket":               {fault.NotFound, "ERR_NO_TICKET_FOUND"},
		"message-post-session-disconnected":    {fault.Transient, "ERR_WAPP_NOT_INITIALIZED"},
		"proxy-bad-gateway":                    {fault.Transient, "unavailable"},
		"refresh-invalid-cookie":               {fault.Unauthorized, "ERR_SESSION_EXPIRED"},
		"refresh-missing-cookie":               {fault.Unauthorized, "ERR_SESSION_EXPIRED"},
		"refresh-missing-cookie-ticketz":       {fault.Unauthorized, "ERR_UNAUTHORIZED"},
		"send-body-missing":                    {fault.Transient, "ERR_SENDING_WAPP_MSG"},
		"send-body-too-large":                  {fault.Transient, "server error"},
		"send-check-failed-community":          {fault.Transient, "ERR_WAPP_CHECK_CONTACT"},
		"send-failed-in-library":               {fault.Transient, "ERR_SENDING_WAPP_MSG"},
		"send-internal-ticketz":                {fault.Transient, "ERR_INTERNAL_ERROR"},
		"send-invalid-number-format":           {fault.Permanent, "invalid number format"},
		"send-invalid-token-community":         {fault.Unauthorized, "token refused"},
		"send-invalid-token-saas":              {fault.Unauthorized, "token refused"},
		"send-missing-auth":                    {fault.Unauthorized, "ERR_SESSION_EXPIRED"},
		"send-no-default-connection-community": {fault.Transient, "ERR_NO_DEF_WAPP_FOUND"},
		"send-no-default-connection-saas":      {fault.Transient, "ERR_NO_DEF_WAPP_FOUND"},
		"send-not-on-whatsapp-community":       {fault.Permanent, "ERR_WAPP_INVALID_CONTACT"},
		"send-not-on-whatsapp-multi100":        {fault.Permanent, "ERR_CHECK_NUMBER"},
		"send-not-on-whatsapp-saas":            {fault.Transient, "message refused"},
		"send-number-check-crash":              {fault.Transient, "server error"},
		"send-number-empty":                    {fault.Permanent, "number required"},
		"send-number-missing-community":        {fault.Transient, "server error"},
		"send-number-missing-ticketz":          {fault.Permanent, "ERR_SYNTAX"},
		"send-number-not-a-string":             {fault.Transient, "server error"},
		"send-plan-without-api":                {fault.Permanent, "plan without API"},
		"send-session-disconnected":            {fault.Transient, "ERR_WAPP_NOT_INITIALIZED"},
		"send-subscription-expired-ticketz":    {fault.Permanent, "ERR_SUBSCRIPTION_EXPIRED"},
		"send-template-syntax":                 {fault.Transient, "ERR_SENDING_WAPP_MSG"},
		"send-ticket-in-other-attendance":      {fault.Permanent, "ticket in another attendance"},
		"send-unknown-whatsapp-id":             {fault.Permanent, "connection not found"},
		"send-wrong-media-field":               {fault.Transient, "server error"},
		"ticket-not-found":                     {fault.NotFound, "ERR_NO_TICKET_FOUND"},
		"ticket-other-company-saas":            {fault.NotFound, "ticket not found"},
		"ticket-other-open":                    {fault.Transient, "ERR_OTHER_OPEN_TICKET"},
		"ticket-update-any-failure-saas":       {fault.Transient, "server error"},
		"ticket-update-bad-queue":              {fault.Transient, "server error"},
		"ticket-update-forbidden-ticketz":      {fault.Unauthorized, "ERR_FORBIDDEN"},
		"tickets-list-bad-queueids":            {fault.Transient, "server error"},
	}
	files, err := filepath.Glob("testdata/api/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded answers: %v", err)
	}
	seen := 0
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		resp := recorded(t, f)
		err := failure(resp)
		w, failing := want[name]
		if !failing {
			if err != nil {
				t.Errorf("failure(%s) = %v, want nil", name, err)
			}
			continue
		}
		seen++
		if fault.KindOf(err) != w.kind || fault.Code(err) != w.code || fault.StatusOf(err) != resp.Status {
			t.Errorf("failure(%s) = %v %q %d, want %v %q %d", name, fault.KindOf(err), fault.Code(err), fault.StatusOf(err), w.kind, w.code, resp.Status)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d expected failures are recorded", seen, len(want))
	}
	resp := recorded(t, "testdata/api/login-rate-limited.json")
	if got := fault.RetryAfter(failure(resp)); got != 900*time.Second {
		t.Errorf("RetryAfter = %v, want 15m", got)
	}
}

// What no Whaticket was seen to answer, but what stands in front of one may.
func TestFailureElsewhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		want                    fault.Kind
	}{
		{"empty success", "", "", 200, -1},
		{"created", "application/json", `{"id":1}`, 201, -1},
		{"broken JSON of a success", "application/json", `{"mens`, 200, -1},
		{"front end", "text/html", "<!doctype html><html></html>", 200, fault.Permanent},
		{"front end without a type", "", "\n<html>", 200, fault.Permanent},
		{"redirect", "", "", 301, fault.Permanent},
		{"proxy timeout", "text/html", "<html>504</html>", 504, fault.Uncertain},
		{"cloudflare timeout", "text/html", "<html>524</html>", 524, fault.Uncertain},
		{"unavailable", "", "", 503, fault.Transient},
		{"no words", "", "", 400, fault.Transient},
		{"null error", "application/json", `{"error":null}`, 400, fault.Transient},
		{"error that is an object", "application/json", `{"error":{"message":"ERR_CHECK_NUMBER"}}`, 400, fault.Transient},
		{"unknown words", "application/json", `{"error":"O cliente Maria Souza bloqueou"}`, 400, fault.Transient},
		{"unknown code", "application/json", `{"error":"ERR_SOMETHING_NEW"}`, 400, fault.Transient},
		{"known words on another status", "application/json", `{"error":"ERR_CHECK_NUMBER"}`, 500, fault.Permanent},
		{"429 with known words", "application/json", `{"error":"ERR_CHECK_NUMBER"}`, 429, fault.RateLimited},
		{"too large", "text/html", "<html>413</html>", 413, fault.Permanent},
		{"wrong route", "application/json", `{"error":"not found"}`, 404, fault.NotFound},
		{"wrong method", "text/html", "<html>405</html>", 405, fault.Permanent},
		{"unpaid", "", "", 402, fault.Permanent},
	} {
		resp := &httpclient.Response{Status: tc.status, Header: http.Header{"Content-Type": {tc.contentType}}, Body: []byte(tc.body)}
		err := failure(resp)
		if tc.want == -1 {
			if err != nil {
				t.Errorf("%s: failure = %v, want nil", tc.name, err)
			}
			continue
		}
		if !fault.Is(err, tc.want) {
			t.Errorf("%s: failure = %v (%v), want %v", tc.name, err, fault.KindOf(err), tc.want)
		}
		if strings.Contains(err.Error(), "Maria") || strings.Contains(err.Error(), "<html>") {
			t.Errorf("%s: the error repeats the peer's text: %q", tc.name, err)
		}
	}
}
