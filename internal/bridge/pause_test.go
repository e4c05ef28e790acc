package bridge_test

import (
	"strings"
	"testing"
)

// Progress goes to a host that has asked for it, under the token that it gave,
// and to no other: the server is asked for it either way.
func TestProgressToken(t *testing.T) {
	t.Parallel()
	for _, era := range []string{earlier, newest} {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			h := pair{newest, era}.open(t, newEngine())
			progress := func(id, meta string) (tokens []string) {
				t.Helper()
				call := request(newest, id, "tools/call", `"name":"climb","arguments":{}`)
				h.send(strings.Replace(call, `"_meta":{`, `"_meta":{`+meta, 1))
				if got := h.result(id); !strings.Contains(got, "top") {
					t.Errorf("the result is %s", got)
				}
				for _, m := range h.seen { // all that came before the result
					if m.Method == "notifications/progress" {
						_, token, _ := strings.Cut(string(m.Params), `"progressToken":`)
						tokens = append(tokens, token[:strings.IndexAny(token, ",}")])
					}
				}
				h.seen = nil
				return tokens
			}
			if got := progress("1", ""); got != nil {
				t.Errorf("progress that nobody wanted: %s", got)
			}
			if got := strings.Join(progress("2", `"progressToken":"mine",`), " "); got != `"mine" "mine" "mine"` {
				t.Errorf("the tokens are %s", got)
			}
			if got := strings.Join(progress("3", `"progressToken":7,`), " "); got != "7 7 7" {
				t.Errorf("the tokens are %s", got)
			}
		})
	}
}
