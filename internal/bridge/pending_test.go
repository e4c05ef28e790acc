package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// Progress goes only to a host that has asked for it, under the host's token.
// The server is asked for it either way.
func TestProgressToken(t *testing.T) {
	t.Parallel()
	for _, version := range []string{previous, latest} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h := pair{latest, version}.open(t, newEngine())
			for id, token := range []string{"", `"mine"`, "7"} {
				var want []string
				if token != "" {
					want = []string{token, token, token}
				}
				result, tokens := h.round(fmt.Sprint(id), token, `"name":"climb","arguments":{}`)
				if !strings.Contains(result, "top") || !slices.Equal(tokens, want) {
					t.Errorf("the tokens are %s, want %s, and the result is %s", tokens, want, result)
				}
			}
		})
	}
}

// A host of 2026-07-28 sends a request again when it has the input that
// the server wants, and may give it another token then, or none.
func TestProgressTokenOfRounds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		second string
		want   []string
	}{
		"the same": {`"one"`, []string{`"one"`}},
		"another":  {`"two"`, []string{`"two"`}},
		"none":     {"", nil},
		"a number": {"2", []string{"2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine()
			mcpengine.AddTool(e, "trek", "", func(ctx context.Context, _ none) (string, error) {
				mcpengine.Progress(ctx, 1, 2, "")
				if _, err := mcpengine.Elicit[struct {
					Name string `json:"name"`
				}](ctx, "Who?"); err != nil {
					return "", err
				}
				mcpengine.Progress(ctx, 2, 2, "")
				return "there", nil
			})
			h := pair{latest, previous}.open(t, e)
			const call = `"name":"trek","arguments":{}`
			result, tokens := h.round("1", `"one"`, call)
			if !slices.Equal(tokens, []string{`"one"`}) {
				t.Errorf("the tokens of the first round are %s", tokens)
			}
			var asked struct{ RequestState string }
			if err := json.Unmarshal([]byte(result), &asked); err != nil || asked.RequestState == "" {
				t.Fatalf("the result of the first round is %s", result)
			}
			answer := fmt.Sprintf(`,"inputResponses":{"1":{"action":"accept","content":{"name":"Ada"}}},"requestState":%q`, asked.RequestState)
			result, tokens = h.round("2", row.second, call+answer)
			if !strings.Contains(result, "there") || !slices.Equal(tokens, row.want) {
				t.Errorf("the tokens of the second round are %s, want %s, and the result is %s", tokens, row.want, result)
			}
		})
	}
}

// round makes a call with a progress token, unless that is "", and returns its
// result and the tokens of the progress before it.
func (h *host) round(id, token, params string) (result string, tokens []string) {
	h.t.Helper()
	call := request(latest, id, "tools/call", params)
	if token != "" {
		call = strings.Replace(call, `"_meta":{`, `"_meta":{"progressToken":`+token+",", 1)
	}
	h.send(call)
	result = h.result(id)
	for _, m := range h.seen {
		if m.Method == "notifications/progress" {
			_, token, _ := strings.Cut(string(m.Params), `"progressToken":`)
			tokens = append(tokens, token[:strings.IndexAny(token, ",}")])
		}
	}
	h.seen = nil
	return result, tokens
}
