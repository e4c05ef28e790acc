package peer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/peer"
)

func TestChallenges(t *testing.T) {
	t.Parallel()
	type params = map[string]string
	for _, test := range []struct {
		value string
		want  []peer.Challenge
	}{
		{``, nil},
		{`Bearer`, []peer.Challenge{{Scheme: "bearer", Params: params{}}}},
		{`Bearer realm="a, \"b\"", error=x`, []peer.Challenge{{Scheme: "bearer", Params: params{"realm": `a, "b"`, "error": "x"}}}},
		{`Basic realm="r", Bearer Scope = "a b"`, []peer.Challenge{
			{Scheme: "basic", Params: params{"realm": "r"}}, {Scheme: "bearer", Params: params{"scope": "a b"}},
		}},
		{`DPoP, Bearer resource_metadata=https://a.example/x`, []peer.Challenge{
			{Scheme: "dpop", Params: params{}}, {Scheme: "bearer", Params: params{"resource_metadata": "https://a.example/x"}},
		}},
		{`Bearer a=1, a=2`, []peer.Challenge{{Scheme: "bearer", Params: params{"a": "1"}}}},
		{`Bearer a="open`, []peer.Challenge{{Scheme: "bearer", Params: params{}}}},
		{`Bearer a=`, []peer.Challenge{{Scheme: "bearer", Params: params{}}}},
		{`="x"`, nil},
		{`Negotiate abc=, Bearer scope="a"`, []peer.Challenge{
			{Scheme: "negotiate", Params: params{}}, {Scheme: "bearer", Params: params{"scope": "a"}},
		}},
		{`Bearer a="", b=1`, []peer.Challenge{{Scheme: "bearer", Params: params{"a": "", "b": "1"}}}},
		{`Bearer a = "1" ; b`, []peer.Challenge{{Scheme: "bearer", Params: params{"a": "1"}}}},
		{`"""=,,=;\`, nil},
	} {
		for _, field := range []string{"WWW-Authenticate", "X-Amzn-Remapped-WWW-Authenticate"} {
			h := http.Header{}
			h.Set(field, test.value)
			for i := range test.want {
				test.want[i].Field = field
			}
			if diff := cmp.Diff(test.want, peer.Challenges(h)); diff != "" {
				t.Errorf("Challenges(%s: %s) (-want +got):\n%s", field, test.value, diff)
			}
		}
	}
}

// Any text is read without a panic, and the result keeps to the bounds.
func FuzzChallenges(f *testing.F) {
	for _, seed := range []string{
		`Bearer`, `Bearer scope="a b", error="insufficient_scope"`, `Basic realm="x", DPoP error=use_dpop_nonce`,
		`Negotiate abc=, Bearer a="\""`, `"`, `=,=`, `Bearer a="b`, `Bearer a=https://b.example/c`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		all := peer.Challenges(http.Header{"Www-Authenticate": {value, value}})
		if len(all) > 16 {
			t.Errorf("%d challenges", len(all))
		}
		for _, c := range all {
			if c.Scheme == "" || c.Scheme != strings.ToLower(c.Scheme) || len(c.Params) > 32 {
				t.Errorf("scheme %q with %d parameters", c.Scheme, len(c.Params))
			}
			for name, param := range c.Params {
				if name == "" || name != strings.ToLower(name) || len(param) > len(value) {
					t.Errorf("parameter %q = %q", name, param)
				}
			}
		}
	})
}

// FindChallenge returns nil if no challenge has the scheme.
func TestFindChallenge(t *testing.T) {
	t.Parallel()
	all := peer.Challenges(http.Header{"X-Amzn-Remapped-Www-Authenticate": {`Basic, Bearer scope="first", Bearer scope="second"`}})
	for _, test := range []struct{ scheme, want string }{{"bearer", "first"}, {"basic", ""}, {"dpop", ""}} {
		if got := peer.FindChallenge(all, test.scheme).Param("scope"); got != test.want {
			t.Errorf("the scope of %s is %q, want %q", test.scheme, got, test.want)
		}
	}
}
