package broker

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/seal"
)

// What is sealed for one purpose opens for no other, and not with other associated
// data.
func TestPurposes(t *testing.T) {
	t.Parallel()
	ring := seal.RandomRing()
	purposes := []string{purposeClient, purposeForm, purposeAttempt, purposeCode, purposeRefresh, purposeSigning, purposeHeld}
	for _, made := range purposes {
		sealed := ring.Seal(made, []byte("x"), []byte("a"))
		for _, used := range purposes {
			if _, err := ring.Open(used, sealed, []byte("a")); (err == nil) != (made == used) {
				t.Errorf("sealed for %q, opened for %q: %v", made, used, err)
			}
		}
		if _, err := ring.Open(made, sealed, nil); err == nil {
			t.Errorf("%q opens without its associated data", made)
		}
	}
}

// What a stranger calls itself is one line of visible text, in its direction.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"Claude", "a\u202eb", "a\x00b\r\nc", "a\u0301\u0301\u0301\u0301", "\xff", "  ", "\u2028", strings.Repeat("x", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := plain(text, 60)
		if n := len([]rune(got)); n > 61 || strings.ContainsAny(got, "\r\n\t\x00\u202e\u2066\u2028\u200b") || strings.TrimSpace(got) != got {
			t.Errorf("plain(%q) = %q", text, got)
		}
	})
}

// A redirect URI that is accepted leads to https, to this machine, or to an
// application, and a match leads where the client registered.
func FuzzRedirect(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://app.example/cb", "https://app.example/cb?x"},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb"},
		{"cursor://x/y", "cursor://x/y"},
		{"javascript:alert(1)", "https://a@b/"},
		{"http://localhost", "http://localhost.evil/"},
		{"https://a.example#f", "http://[::1]:5/"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, registered, asked string) {
		if checkRedirect(registered, nativeSchemes) != nil {
			return
		}
		scheme, _, _ := strings.Cut(registered, ":")
		if scheme != "https" && scheme != "http" && scheme != "cursor" && !strings.HasPrefix(scheme, "vscode") || strings.ContainsAny(registered, " \r\n<>\"#") {
			t.Errorf("accepted %q", registered)
		}
		if asked != registered && matches([]string{registered}, asked) {
			if !strings.HasPrefix(registered, "http://") || !strings.HasPrefix(asked, "http://") || withoutPort(asked) != withoutPort(registered) {
				t.Errorf("%q matches %q", asked, registered)
			}
		}
	})
}

// A metadata document that is accepted is about its URL and has good redirect URIs.
func FuzzDocument(f *testing.F) {
	const id = "https://client.example/client.json"
	f.Add([]byte(`{"client_id":"` + id + `","client_name":"App","redirect_uris":["https://app.example/cb"]}`))
	f.Add([]byte(`{"client_id":"` + id + `","client_name":"App","redirect_uris":["javascript:x"],"jwks":{}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, logo, err := parseDocument(data, id, nativeSchemes)
		if err != nil {
			return
		}
		if c.id != id || c.name == "" || len(c.redirects) == 0 || logo != "" && !strings.HasPrefix(logo, "https://") {
			t.Errorf("client %+v", c)
		}
		for _, uri := range c.redirects {
			if checkRedirect(uri, nativeSchemes) != nil {
				t.Errorf("redirect URI %q", uri)
			}
		}
	})
}

// A provider's token is read from the access token that it was sealed for alone.
func TestHeldIsBound(t *testing.T) {
	t.Parallel()
	s := &server{keys: seal.RandomRing(), config: Config{ProviderToken: true}}
	token := func(id, sealedFor string) string {
		claims, err := json.Marshal(map[string]string{"jti": id, claimToken: s.keys.Seal(purposeHeld, pack("the provider's"), []byte(sealedFor))})
		if err != nil {
			t.Fatal(err)
		}
		return "e30." + base64url.EncodeToString(claims) + ".AA"
	}
	if got, err := s.providerToken()(token("a", "a")); err != nil || got != "the provider's" {
		t.Errorf("its own: %q, %v", got, err)
	}
	for name, text := range map[string]string{"another's": token("b", "a"), "no claims": "e30.e30.AA", "no token": "x", "no JSON": "e30.AAAA.AA"} {
		if got, err := s.providerToken()(text); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What is packed is unpacked as it was, and what was not packed is an error or short.
func FuzzPack(f *testing.F) {
	for _, seed := range []string{"", "opaque", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.AAAA", "eyJ.e.", "..", "YQ.YQ.YR", "\x01\x03abc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		packed := pack(token)
		if got, err := unpack(packed); err != nil || got != token {
			t.Errorf("unpack(pack(%q)) = %q, %v", token, got, err)
		}
		if len(packed) > len(token)+1 {
			t.Errorf("pack(%q) has %d bytes", token, len(packed))
		}
		if got, err := unpack([]byte(token)); err == nil && len(got) > 2*maxUnpacked {
			t.Errorf("unpack(%q) has %d bytes", token, len(got))
		}
	})
}
