package upstream

import (
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// Whatever a provider answers, what is read of it is bounded and harmless.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"t","token_type":"Bearer","expires_in":3600,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}`,
		`{"error":"interaction_required","error_codes":[50079],"claims":"{\"access_token\":{}}"}`,
		`{"expires_in":"1e9"}`, `{"expires_in":-1}`, `{"expires_in":null,"access_token":null}`, `{"error_codes":[-1]}`, `{"claims":"[]"}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			return
		}
		if a.life != nil && (*a.life < 0 || *a.life > maxLife) {
			t.Errorf("life %s", *a.life)
		}
		if a.claims != "" {
			if _, err := jsonrpc.ParseObject([]byte(a.claims)); err != nil || len(a.claims) > maxClaims {
				t.Errorf("claims %q: %v", a.claims, err)
			}
		}
		if strings.Trim(a.number, "0123456789") != "" {
			t.Errorf("number %q", a.number)
		}
	})
}

func TestParseLife(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		`3600`: time.Hour, `"3600"`: time.Hour, `3600.9`: time.Hour, `1e300`: maxLife, `-1`: 0, `0`: 0,
	} {
		if got, err := parseLife([]byte(text)); err != nil || *got != want {
			t.Errorf("parseLife(%s) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`"NaN"`, `"0x10"`, `""`, `true`, `{}`, `"1_000"`} {
		if got, err := parseLife([]byte(text)); err == nil {
			t.Errorf("parseLife(%s) = %s", text, *got)
		}
	}
}
