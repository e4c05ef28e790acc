package oauth

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// What providers are known to do belongs to their hosts and nobody else's.
func TestPresets(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://accounts.google.com":                                  "Google",
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc":    "Cognito",
		"https://login.microsoftonline.com/tenant/v2.0":                "Entra ID",
		"http://accounts.google.com":                                   "",
		"https://accounts.google.com.evil.example":                     "",
		"https://evil.example/accounts.google.com":                     "",
		"https://accounts.google.com:8443":                             "",
		"https://cognito-idp.evil.example":                             "",
		"https://cognito-idp.amazonaws.com.evil.example":               "",
		"https://s3.amazonaws.com/cognito-idp.eu-west-1.amazonaws.com": "",
		"https://x.login.microsoftonline.com":                          "",
		"https://id.example.com":                                       "",
	} {
		if got := presetOf(issuer).name; got != want {
			t.Errorf("%s is %q, want %q", issuer, got, want)
		}
	}
}

// Google's ID token is what a server takes, and comes with a refresh token only
// when that is asked for.
func TestGoogle(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Server: "https://mcp.example.com/mcp", Client: Client{ID: "client", Secret: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	f := a.flow(&server{
		Issuer: "https://accounts.google.com", Authorize: "https://accounts.google.com/o/oauth2/v2/auth", Token: "https://oauth2.googleapis.com/token",
		ChallengeMethods: []string{"S256"}, Scopes: []string{"openid", offlineAccess},
	}, "https://mcp.example.com/mcp")
	if f.scopes, err = a.scopes(f, &resource{}, nil, demand{}); err != nil {
		t.Fatal(err)
	}
	target, err := (&attempt{flow: f, state: "state"}).url()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"access_type=offline", "prompt=consent", "scope=openid+email&"} {
		if !strings.Contains(target, want) {
			t.Errorf("%s is not in %s", want, target)
		}
	}
	if _, err := a.begin(f, &token{Access: "opaque"}, false); err == nil {
		t.Error("no ID token and no error")
	}
	begun, err := a.begin(f, &token{Access: "opaque", ID: "id-token"}, false)
	if err != nil {
		t.Fatal(err)
	}
	a.set(begun)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://mcp.example.com/mcp", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Authorize(t.Context(), req); err != nil || req.Header.Get("Authorization") != "Bearer id-token" {
		t.Errorf("Authorization = %q, %v", req.Header.Get("Authorization"), err)
	}
}

// How long the answers of the device grant make a client wait is bounded.
func TestParseDevice(t *testing.T) {
	t.Parallel()
	const good = `"device_code":"d","user_code":"ABCD-EFGH","verification_uri":"https://id.example.com/device"`
	for _, test := range []struct {
		body           string
		life, interval time.Duration // zero when it is refused
	}{
		{`{` + good + `}`, maxDeviceLife, pollInterval},
		{`{` + good + `,"expires_in":600,"interval":2}`, 10 * time.Minute, 2 * time.Second},
		{`{` + good + `,"expires_in":-1,"interval":-1}`, maxDeviceLife, pollInterval},
		{`{` + good + `,"expires_in":1e300,"interval":1e300}`, maxDeviceLife, pollInterval},
		{`{` + good + `,"interval":0.001}`, maxDeviceLife, minPollInterval},
		{`{"device_code":"d","user_code":"A\u001b[31m","verification_uri":"https://id.example.com/"}`, 0, 0},
		{`{"device_code":"d","user_code":"A","verification_uri":"http://id.example.com/"}`, 0, 0},
		{`{"device_code":"d","user_code":"A","verification_uri":"https://id.example.com/","verification_uri_complete":"file:///"}`, 0, 0},
		{`{"device_code":"d","user_code":"A"}`, 0, 0},
		{`{"user_code":"A","verification_uri":"https://id.example.com/"}`, 0, 0},
		{`[]`, 0, 0},
	} {
		d, err := parseDevice([]byte(test.body), time.Time{})
		switch {
		case (err == nil) != (test.life > 0):
			t.Errorf("%s: %v", test.body, err)
		case err == nil && (d.life != test.life || d.interval != test.interval):
			t.Errorf("%s: %s and %s, want %s and %s", test.body, d.life, d.interval, test.life, test.interval)
		}
	}
}

// The system's keychain gives the key of the store, and a system without one a
// store without a key.
func TestSystemKeychain(t *testing.T) { //nolint:paralleltest // the library's stand-in is a variable of its own
	keyring.MockInit()
	for range 2 {
		s, err := NewFileStore(t.Context(), t.TempDir(), SystemKeychain{})
		if err != nil || !s.Sealed() {
			t.Fatalf("sealed %t, %v", s.Sealed(), err)
		}
	}
	first, err := SystemKeychain{}.Get()
	if err != nil || len(first) < 40 {
		t.Errorf("a key of %d characters, %v", len(first), err)
	}
	keyring.MockInitWithError(errors.New("no bus"))
	s, err := NewFileStore(t.Context(), t.TempDir(), SystemKeychain{})
	if err != nil || s.Sealed() {
		t.Errorf("sealed %t, %v", s.Sealed(), err)
	}
}
