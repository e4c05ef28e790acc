package peer_test

import (
	"net/http"
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
	} {
		got := peer.Challenges(http.Header{"Www-Authenticate": {test.value}})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Challenges(%s) (-want +got):\n%s", test.value, diff)
		}
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Basic realm="r", Bearer scope="a b", error=x`)
	f.Add(`Bearer a="\"`)
	f.Fuzz(func(t *testing.T, value string) {
		for _, c := range peer.Challenges(http.Header{"Www-Authenticate": {value, value}}) {
			if c.Scheme == "" {
				t.Errorf("a challenge of %q has no scheme", value)
			}
		}
	})
}
