package workflow

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/secret"
)

// Where the verifier's bounds lie, for requests whose signature is right.
func TestVerifyEdges(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	key, body := secret.New("segredo"), []byte(`{}`)
	stamp := strconv.FormatInt(now.Unix(), 10)
	signed := func(s secret.String, stamp string) string {
		return base64.StdEncoding.EncodeToString(mac(s, "id", stamp, body))
	}
	right := signed(key, stamp)
	for name, c := range map[string]struct {
		stamp, signature string
		away             time.Duration
		want             bool
	}{
		"right":                        {stamp, "v1," + right, 0, true},
		"at the end of the window":     {stamp, "v1," + right, Window, true},
		"just behind the window":       {stamp, "v1," + right, Window + 1, false},
		"at the beginning of it":       {stamp, "v1," + right, -Window, true},
		"just before it":               {stamp, "v1," + right, -Window - 1, false},
		"without a version":            {stamp, right, 0, false},
		"the tenth":                    {stamp, strings.Repeat("v1,AAAA ", 9) + "v1," + right, 0, true},
		"the eleventh":                 {stamp, strings.Repeat("v1,AAAA ", 10) + "v1," + right, 0, false},
		"a plus before the timestamp":  {"+" + stamp, "v1," + signed(key, "+"+stamp), 0, false},
		"a minus before the timestamp": {"-1", "v1," + signed(key, "-1"), -1_800_000_001 * time.Second, false},
		"signed with nothing":          {stamp, "v1," + signed(secret.String{}, stamp), 0, false},
	} {
		h := http.Header{HeaderID: {"id"}, HeaderTimestamp: {c.stamp}, HeaderSignature: {c.signature}}
		if _, err := Verify(h, []secret.String{{}, key}, now.Add(c.away), body); (err == nil) != c.want {
			t.Errorf("%s: Verify = %v, want accepted %v", name, err, c.want)
		}
	}
	for _, none := range [][]secret.String{nil, {{}}} {
		h := http.Header{}
		Sign(h, none, "id", now, body)
		if len(h) != 0 {
			t.Errorf("Sign with no secret sets %v, want nothing", h)
		}
	}
}
