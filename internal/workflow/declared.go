package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/invalid"
)

// MaxTimeout is the longest that a call may take: its conversation waits for it.
const MaxTimeout = 2 * time.Minute

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Validate says what is wrong with the declaration, all of it, as invalid.Fields. Which
// moves there are is the playbook's to say.
func (d Declared) Validate() error {
	var errs []error
	bad := func(path, format string, args ...any) { errs = append(errs, invalid.At(path, format, args...)) }
	if !namePattern.MatchString(d.Name) {
		bad("name", "%q is no name: lower-case letters, digits and \"_\", beginning with a letter, at most 64", d.Name)
	}
	errs = append(errs, checkURL(d.URL))
	arguments, err := compile(d.Arguments)
	errs = append(errs, invalid.Under("arguments", err))
	result, err := compile(d.Result)
	errs = append(errs, invalid.Under("result", err))
	if d.Tool && strings.TrimSpace(d.Description) == "" {
		bad("description", "is empty: a model that may start the workflow has to know when")
	}
	if d.Tool && len(d.Arguments) == 0 {
		bad("arguments", "are missing: a model that may start the workflow has to know what to give it")
	}
	if d.Tool && arguments != nil && len(arguments.Properties) == 0 && arguments.Ref == nil {
		bad("arguments", "name no properties: only what a schema names is passed on")
	}
	errs = append(errs, invalid.Under("auth", d.Auth.Validate()))
	if d.Timeout < 0 || d.Timeout > MaxTimeout {
		bad("timeout", "%v is not between 0s and %v", d.Timeout, MaxTimeout)
	}
	keys, err := placeholders(d.Reply)
	if err != nil {
		bad("reply", "%s", err.Error())
	}
	for _, key := range keys {
		top, _, _ := strings.Cut(key, ".")
		switch {
		case result == nil:
			bad("reply", "{%s}: the workflow declares no result", key)
		case result.Properties[top] == nil:
			bad("reply", "{%s}: the result has no property %q", key, top)
		case !slices.Contains(result.Required, top):
			bad("reply", "{%s}: list %q under required, so that an answer without it is refused", key, top)
		}
	}
	return errors.Join(errs...)
}

var headerPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")

// ours are headers that a call carries anyway.
var ours = []string{"Content-Type", "Content-Length", "Host", "Connection", "Transfer-Encoding", "Idempotency-Key", "X-Correlation-Id", HeaderID, HeaderTimestamp, HeaderSignature}

// Validate says what is wrong, as invalid.Fields with the paths mode, name and secret.
func (a Auth) Validate() error {
	var errs []error
	bad := func(path, format string, args ...any) { errs = append(errs, invalid.At(path, format, args...)) }
	if strings.ContainsFunc(a.Secret.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		bad("secret", "has a line break or another control character in it")
	}
	switch a.Mode {
	case AuthDefault, AuthNone:
		if a.Name != "" || !a.Secret.IsZero() {
			bad("mode", "is missing: %s or %s", AuthBasic, AuthHeader)
		}
		return errors.Join(errs...)
	case AuthBasic:
		if a.Name == "" || strings.Contains(a.Name, ":") {
			bad("name", "is no user: it must not be empty and has no colon")
		}
	case AuthHeader:
		if name := http.CanonicalHeaderKey(a.Name); !headerPattern.MatchString(a.Name) || slices.Contains(ours, name) {
			bad("name", "%q is no header that can be used", a.Name)
		}
	default:
		bad("mode", "%q is none of %s, %s and %s", a.Mode, AuthNone, AuthBasic, AuthHeader)
	}
	if a.Secret.IsZero() {
		bad("secret", "is empty")
	}
	return errors.Join(errs...)
}

// checkURL refuses what cannot be a production webhook.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return invalid.At("url", "is empty: copy the production URL of the workflow's Webhook node")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return invalid.At("url", "is no address that begins with http:// or https://") // it may hold a credential
	case u.User != nil:
		return invalid.At("url", "holds a password: set N8N_BASIC_AUTH_USER and N8N_BASIC_AUTH_PASSWORD instead")
	case u.Fragment != "":
		return invalid.At("url", "has a part behind \"#\", which is never sent")
	case IsTestURL(raw):
		return invalid.At("url", "is the test URL, which works for one call after \"Execute workflow\" was pressed: copy the production URL, with /webhook/ in place of /webhook-test/")
	}
	return nil
}

// IsTestURL says whether an address is an n8n test URL: it answers 404 unless somebody has
// just pressed "Execute workflow", and then for one call only.
func IsTestURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && slices.Contains(strings.Split(u.Path, "/"), "webhook-test")
}

// CheckArguments says whether arguments are an object that the schema allows. The error is
// fault.Invalid; its Code names the place, in words that a model can act upon, and repeats
// no value.
func (d Declared) CheckArguments(arguments json.RawMessage) error {
	_, err := check(d.Arguments, arguments)
	return err
}

// Accept checks a result against the schema and returns what is kept of it, compact: of the
// top level only the properties that the schema names, unless it names none. Errors are
// fault.Invalid, their Code names the place and repeats no value. Nothing is accepted where
// no result is declared, except nothing.
func (d Declared) Accept(result json.RawMessage) (json.RawMessage, error) {
	if len(d.Result) == 0 {
		if v, err := decode(result); err == nil {
			if m, ok := v.(map[string]any); ok && len(m) > 0 {
				return nil, fault.New(fault.Invalid, "result: the workflow declares none")
			}
			return nil, nil
		}
		if len(bytes.TrimSpace(result)) == 0 {
			return nil, nil
		}
		return nil, fault.New(fault.Invalid, "result: not JSON")
	}
	v, err := check(d.Result, result)
	if err != nil {
		return nil, err
	}
	if named := propertyNames(d.Result); len(named) > 0 {
		for key := range v {
			if !slices.Contains(named, key) {
				delete(v, key)
			}
		}
	}
	kept, err := encode(v)
	if err != nil {
		return nil, fault.New(fault.Invalid, "result: cannot be written as JSON")
	}
	if len(kept) > MaxResult {
		return nil, fault.New(fault.Invalid, "result: too large")
	}
	return kept, nil
}

// Limit is how long one call may take.
func (d Declared) Limit() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return DefaultTimeout
}

// Canonical writes an object in the one form that equal arguments share: keys in order, no
// white space, numbers as they were written. The error is fault.Invalid.
func Canonical(arguments json.RawMessage) (string, error) {
	v, err := object(arguments)
	if err != nil {
		return "", err
	}
	b, err := encode(v)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "arguments: cannot be written as JSON", err)
	}
	return string(b), nil
}
