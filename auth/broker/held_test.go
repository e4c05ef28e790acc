package broker_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/upstream"
)

// providerToken returns what a handler gets for an access token.
func (b *bed) providerToken(t *testing.T, access string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	u, challenge := b.resource.Authenticate(req)
	if challenge != nil {
		t.Fatal(challenge.Message)
	}
	token, err := auth.Upstream(b.resource.ContextWithUpstream(t.Context(), req, u), "calendar")
	return token.Secret(), err
}

// holdingBed is a server whose provider answers token requests with an access token
// and its life.
func holdingBed(t *testing.T) (b *bed, answer func(access, life string)) {
	t.Helper()
	idp := authtest.NewProvider(t)
	b = newBedAt(t, idp, func(c *broker.Config) { c.ProviderToken = true }, auth.WithUpstream(upstream.ProviderToken(idp.Issuer(), "calendar")))
	return b, func(access, life string) {
		idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.PostFormValue("grant_type") != "refresh_token" {
				t.Error("not a renewal")
			}
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer"%s,"id_token":%q}`, access, life, idp.IDToken("server", authtest.Claims{"sub": "alice", "nonce": nil}))
		}))
	}
}

// The provider's token is in the access token as long as it fits, and the access token
// does not outlive it.
func TestProviderToken(t *testing.T) {
	t.Parallel()
	b, answer := holdingBed(t)
	c := b.client(t)
	first := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
	part := func(bytes int) string {
		random := make([]byte, bytes)
		_, _ = rand.Read(random)
		return base64.RawURLEncoding.EncodeToString(random)
	}
	like, err := json.Marshal(map[string]any{"iss": "https://id.example", "sub": "alice", "scope": strings.Repeat("calendar.readonly ", 100)})
	if err != nil {
		t.Fatal(err)
	}
	jwt := part(80) + "." + base64.RawURLEncoding.EncodeToString(like) + "." + part(256)
	for name, test := range map[string]struct {
		access, life string
		fits         bool
		want         time.Duration
	}{
		"opaque":           {"ya29." + part(160), `,"expires_in":3599`, true, 3599 * time.Second},
		"no life":          {"gho_" + part(30), ``, true, time.Hour},
		"short":            {"opaque", `,"expires_in":300`, true, 5 * time.Minute},
		"in a string":      {"opaque", `,"expires_in":"300"`, true, 5 * time.Minute},
		"longer than ours": {"opaque", `,"expires_in":86400`, true, time.Hour},
		"no number":        {"opaque", `,"expires_in":"soon"`, true, time.Hour},
		"negative":         {"opaque", `,"expires_in":-1`, true, time.Hour},
		"a JWT":            {jwt, `,"expires_in":300`, true, 5 * time.Minute},
		"1.8 kB":           {part(1350), `,"expires_in":300`, true, 5 * time.Minute},
		"too long":         {part(2048), `,"expires_in":300`, false, time.Hour},
	} {
		answer(test.access, test.life)
		b.wait(11 * time.Second) // a renewal is remembered for ten
		a := c.Refresh(first.Text("refresh_token"), nil)
		access := a.Text("access_token")
		got, err := b.providerToken(t, access)
		if test.fits != (err == nil) || test.fits && got != test.access || len(access) > 4<<10 || strings.Contains(access, test.access) {
			t.Errorf("%s: an access token of %d bytes holds %q: %v", name, len(access), got, err)
		}
		if life := a.JSON["expires_in"]; life != test.want.Seconds() {
			t.Errorf("%s: good for %v s, want %s", name, life, test.want)
		}
		if _, known := errors.AsType[*auth.UpstreamError](err); !test.fits && (!known || !strings.Contains(err.Error(), "too long")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(b.log.String(), "leaves out the token of the provider") {
		t.Errorf("no warning in the log:\n%s", &b.log)
	}
}

// The provider's token is held only where the configuration says so, and read only by a
// server with the keys.
func TestProviderTokenKeys(t *testing.T) {
	t.Parallel()
	b, answer := holdingBed(t)
	c := b.client(t)
	first := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
	plain := newBed(t, nil)
	other := plain.client(t)
	without := other.Redeem(other.Authorize(plain.browser(t)).Get("code"), nil).Text("access_token")
	if strings.Contains(payload(t, without), "idp_token") {
		t.Errorf("an access token holds the provider's without Config.ProviderToken: %s", payload(t, without))
	}
	answer("opaque", "")
	b.wait(11 * time.Second)
	second := c.Refresh(first.Text("refresh_token"), nil).Text("access_token")
	if got, err := b.providerToken(t, second); err != nil || got != "opaque" {
		t.Errorf("%q, %v", got, err)
	}
	provider, err := broker.OIDC(b.idp.Issuer(), "server", "secret", broker.Config{ProviderToken: true}).Open(auth.Environment{
		Resource: resource, Client: http.DefaultClient, Now: b.clock, Logger: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := provider.ProviderToken(second); err == nil {
		t.Errorf("a server with other keys reads %q", got)
	}
}

func payload(t *testing.T, token string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
