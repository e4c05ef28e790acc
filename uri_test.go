package mcpengine_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
)

// guarded is an engine whose resources have policies that overlap. Broad
// templates come first, so that the order of registration helps nobody.
func guarded() *mcpengine.Engine {
	e := mcpengine.New("test", quiet(), mcpengine.WithAuth(robots("mcp:read")))
	type any1 struct {
		Any string `json:"any"`
	}
	type two struct {
		Any  string `json:"any"`
		More string `json:"more"`
	}
	read := func(_ context.Context, in any1) (string, error) { return "open " + in.Any, nil }
	mcpengine.AddResource(e, "board://messages/{any}", "", read)
	mcpengine.AddResource(e, "board://{any}/{more}", "", func(context.Context, two) (string, error) { return "open", nil })
	admin := mcpengine.RequireScopes("mcp:admin")
	mcpengine.AddResource(e, "board://messages/admin-{any}", "", read, admin)
	mcpengine.AddResource(e, "board://messages/%c3%a9!{any}", "", read, admin)
	mcpengine.AddResource(e, "board://messages/1", "", func(context.Context, none) (string, error) { return "one", nil }, admin)
	mcpengine.AddResource(e, "Board://messages/a:b?q=(c)/d", "", func(context.Context, none) (string, error) { return "ab", nil }, admin)
	return e
}

// readAs reads a resource with the robot's token, and returns what it is
// answered: "needs mcp:admin", the text, or the message of the error.
func readAs(t *testing.T, e *mcpengine.Engine, uri string) string {
	t.Helper()
	r := newRequest(t.Context(), "http://server.example/mcp", message("resources/read", fmt.Sprintf(`"uri":%q`, uri)))
	r.Header.Set("Authorization", "Bearer kx7Tq0Vn2cYw8sLz")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if strings.Contains(w.Header().Get("WWW-Authenticate"), `scope="mcp:admin"`) {
		return "needs mcp:admin"
	}
	for _, member := range []string{`"text":"`, `"message":"`} {
		if _, text, ok := strings.Cut(w.Body.String(), member); ok {
			text, _, _ = strings.Cut(text, `"`)
			return text
		}
	}
	return w.Body.String()
}

// spellings returns texts that all stand for the URI: with every character that
// separates nothing escaped, one by one and all of them, in both cases.
func spellings(uri string) (all []string) {
	prefix, rest, _ := strings.Cut(uri, "/messages/")
	prefix += "/messages/"
	escapeAll := ""
	for i, c := range rest {
		character := string(c)
		if strings.Contains("/?#%&", character) || i > 0 && rest[i-1] == '%' || i > 1 && rest[i-2] == '%' {
			escapeAll += character
			continue
		}
		escaped := strings.ReplaceAll(fmt.Sprintf("% X", character), " ", "%")
		escaped = "%" + escaped
		escapeAll += escaped
		after := rest[i+len(character):]
		all = append(all, prefix+rest[:i]+escaped+after, prefix+rest[:i]+strings.ToLower(escaped)+after)
	}
	return append(all, uri, prefix+escapeAll, "BOARD"+strings.TrimPrefix(prefix, "board")+rest, strings.Replace(prefix, "m", "%6d", 1)+rest)
}

// No spelling of a URI escapes the policy of its resource.
func TestPolicyOfSpellings(t *testing.T) {
	t.Parallel()
	e := guarded()
	for uri, want := range map[string]string{
		"board:///messages/1":                "open",
		"board://messages/1":                 "needs mcp:admin",
		"board://messages/admin-7":           "needs mcp:admin",
		"board://messages/%C3%A9!x":          "needs mcp:admin",
		"board://messages/a:b?q=(c)/d":       "needs mcp:admin",
		"board://messages/2":                 "open 2",
		"board://messages/it's(2)*!":         "open it's(2)*!",
		"board://messages/a+b@c:d;e=f,g$h&i": "open a+b@c:d;e=f,g$h&i",
		"board://messages/%E6%97%A5":         "open 日",
		"board://messages/100%25":            "open 100%",
		"board://messages/.%2F..":            "open ./..",
		"board://messages/admin%252D7":       "open admin%2D7", // escaped twice: another value
		"board://messages/a:b%3Fq=(c)/d":     "Resource not found",
		"board://messages/a:b":               "open a:b",
		"board://messages/%2":                "Resource not found",
		"board://messages/%%31":              "Resource not found",
		"board://Messages/1":                 "open", // a host is a name: its case counts
		"board://messages/1/":                "Resource not found",
		"board://messages/../messages/1":     "Resource not found",
		"board://messages/1#admin":           "Resource not found",
		"board://messages/1?":                "Resource not found",
		"board://messages%2F1":               "Resource not found",
		"board://messages:80/1":              "open",
		"board://messages/a:b?q=(c)/d&p=1":   "Resource not found",
		"board://messages/%C3%A9%21%C3%A9":   "needs mcp:admin",
		"board://messages/\u00e9!\u00e9":     "needs mcp:admin",
		"board://messages/e\u0301!":          "open e\u0301!", // not normalized: another text
	} {
		uri = strings.Replace(uri, "board:///messages", "board://x", 1)
		if !strings.Contains(uri, "/messages/") || strings.Contains(uri, "%2F") || !uritemplate.IsWellFormed(uri) {
			if got := readAs(t, e, uri); got != want {
				t.Errorf("%s: %s, want %s", uri, got, want)
			}
			continue
		}
		for _, spelled := range spellings(uri) {
			if got := readAs(t, e, spelled); got != want {
				t.Errorf("%s: %s, want %s, as for %s", spelled, got, want, uri)
			}
		}
	}
}

// The policy of a URI is the policy of its canonical form, whatever it is.
func FuzzPolicy(f *testing.F) {
	for _, uri := range []string{"board://messages/%31", "board://messages/%61dmin%2d7", "Board://messages/a%3Ab?q=%28c)%2fd", "board://x/%2F"} {
		f.Add(uri)
	}
	e := guarded()
	f.Fuzz(func(t *testing.T, uri string) {
		uri = strings.ToValidUTF8(uri, "")
		if strings.ContainsFunc(uri, func(r rune) bool { return r < ' ' || r > '~' }) {
			return // what %q quotes is not JSON
		}
		want := readAs(t, e, uri)
		if !uritemplate.IsWellFormed(uri) {
			if want != "Resource not found" {
				t.Errorf("%s: %s", uri, want)
			}
			return
		}
		if got := readAs(t, e, uritemplate.Canonical(uri)); got != want {
			t.Errorf("%s: %s, but %s: %s", uri, want, uritemplate.Canonical(uri), got)
		}
		folded := readAs(t, e, uritemplate.Fold(uri))
		if (folded == "needs mcp:admin") != (want == "needs mcp:admin") {
			t.Errorf("%s: %s, but %s: %s", uri, want, uritemplate.Fold(uri), folded)
		}
	})
}

// Explain names what is read in place of a template.
func TestExplainNamesWhatComesFirst(t *testing.T) {
	t.Parallel()
	for _, entry := range guarded().Explain() {
		want := map[string][]string{
			"board://messages/{any}": {"board://messages/1", "board://messages/%c3%a9!{any}", "board://messages/admin-{any}"},
			"board://{any}/{more}":   {"board://messages/1", "board://messages/%c3%a9!{any}", "board://messages/admin-{any}"},
		}[entry.Name]
		if !slices.Equal(entry.Except, want) {
			t.Errorf("%s but for %q, want %q", entry.Name, entry.Except, want)
		}
	}
}

// Subscriptions, completions and removals take every spelling too, and updates
// are told under the client's own.
func TestSpellingsElsewhere(t *testing.T) {
	t.Parallel()
	type id struct {
		ID string `json:"id"`
	}
	e := mcpengine.New("test", quiet())
	mcpengine.AddResource(e, "board://messages/{id}", "", func(context.Context, id) (string, error) { return "", nil },
		mcpengine.WithCompletion("id", func(context.Context, string, map[string]string) ([]string, error) { return []string{"seven"}, nil }))
	hold(e, "board://a!b", "text")
	s := openStream(t, e, message("subscriptions/listen", `"notifications":{"resourceSubscriptions":["board://a%21b","board://messages/%31"]}`))
	s.next()
	e.ResourceUpdated("BOARD://a!b")
	if got := s.next(); !strings.Contains(got, `"uri":"board://a%21b"`) {
		t.Errorf("the update is %s", got)
	}
	s.cancel()
	for _, ref := range []string{"board://messages/{id}", "Board://m%65ssages/{other}", "board://messages/%31"} {
		got := post(t, e, message("completion/complete", fmt.Sprintf(`"ref":{"type":"ref/resource","uri":%q},"argument":{"name":"id","value":""}`, ref))).response()
		if !strings.Contains(got, "seven") {
			t.Errorf("completion for %s = %s", ref, got)
		}
	}
	for _, taken := range []string{"board://a%21b", "BOARD://a!b", "board://messages/{other}"} {
		feature := mcpengine.NewResource(taken, "", func(context.Context, none) (string, error) { return "", nil })
		if strings.Contains(taken, "{") {
			feature = mcpengine.NewResource(taken, "", func(context.Context, struct {
				Other string `json:"other"`
			},
			) (string, error) {
				return "", nil
			})
		}
		if err := e.Add(feature); err == nil || !strings.Contains(err.Error(), "taken") {
			t.Errorf("adding %s: %v, want that it is taken", taken, err)
		}
	}
	e.RemoveResources("board://%61!b", "board://messages/{x}")
	if got := post(t, e, message("resources/read", `"uri":"board://a!b"`)).response(); strings.Contains(got, "text") {
		t.Errorf("a resource that was removed is read: %s", got)
	}
}
