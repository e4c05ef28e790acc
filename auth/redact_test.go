package auth_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpengine/mcpengine/auth"
)

// spellings are ways in which an error may quote a token.
func spellings(token string) []string {
	escaped, _ := json.Marshal(token + `"`)
	var percent, decimal strings.Builder
	for _, c := range []byte(token) {
		fmt.Fprintf(&percent, "%%%02x", c)
		fmt.Fprintf(&decimal, "%d ", c)
	}
	return []string{
		token, url.QueryEscape(token), url.PathEscape(token), percent.String(), decimal.String(),
		base64.StdEncoding.EncodeToString([]byte(token)), base64.RawURLEncoding.EncodeToString([]byte("x:" + token)),
		hex.EncodeToString([]byte(token)), fmt.Sprintf("% X", token), strconv.Quote(token), string(escaped),
		strings.ToUpper(token), token[:len(token)/2], token[len(token)/2:], token[1:],
	}
}

// What a function says about a token in an error does not reach the log.
func FuzzErrorsAreNotLogged(f *testing.F) {
	f.Add("eyJhbGciOi.abc-_~+/==", uint8(0), false)
	f.Add("gho_16C7e42F292c6912E7710c838347Ae178B4a", uint8(3), true)
	f.Fuzz(func(t *testing.T, token string, how uint8, invalid bool) {
		if len(token) < 16 {
			t.Skip()
		}
		said := spellings(token)[int(how)%len(spellings(token))]
		s := newSetup(t, auth.Custom(issuer, func(context.Context, string) (*auth.User, error) {
			if invalid {
				return nil, fmt.Errorf("%s: %w", said, auth.ErrInvalidToken)
			}
			return nil, &url.Error{Op: "Post", URL: "https://id.example/?token=" + said, Err: errors.New(said)}
		}))
		if _, c := s.send(token); c == nil {
			t.Fatal("a bad token was accepted")
		}
		want := "*url.Error: *errors.errorString"
		if invalid {
			want = "*fmt.wrapError: invalid token"
		}
		var entry map[string]string
		if said := s.log(); said != "" {
			if err := json.Unmarshal([]byte(said), &entry); err != nil {
				t.Fatal(err)
			}
			if got := entry["reason"] + entry["error"]; got != want && got != "token with a character that is not allowed in tokens" {
				t.Errorf("logged %q, want %q", got, want)
			}
		}
	})
}

func TestRedact(t *testing.T) {
	t.Parallel()
	const secret = "secret"
	for want, err := range map[string]error{
		"":                                nil,
		"*errors.errorString":             errors.New(secret),
		"unexpected EOF":                  io.ErrUnexpectedEOF,
		"the issuer is down":              &auth.UnavailableError{Reason: "the issuer is down"},
		"invalid token":                   auth.ErrInvalidToken,
		"*url.Error: *errors.errorString": &url.Error{Op: "Get", URL: secret, Err: errors.New(secret)},
		"*fmt.wrapError: context deadline exceeded": fmt.Errorf("%s: %w", secret, context.DeadlineExceeded),
		"*net.OpError: connection refused":          &net.OpError{Op: secret, Err: syscall.ECONNREFUSED},
		"*fmt.wrapError: no such host":              fmt.Errorf("%s: %w", secret, &net.DNSError{Name: secret, IsNotFound: true}),
		"*errors.joinError: token has expired":      errors.Join(&auth.InvalidTokenError{Reason: "token has expired"}, errors.New(secret)),
	} {
		if got := auth.Redact(err); got != want {
			t.Errorf("Redact(%v) = %q, want %q", err, got, want)
		}
	}
}

// A function that promises not to quote the token is believed, and a panic is
// told by its type.
func TestCustomReasons(t *testing.T) {
	t.Parallel()
	const token = "custom-token-of-somebody"
	for want, verify := range map[string]func(context.Context, string) (*auth.User, error){
		"the session is closed": func(context.Context, string) (*auth.User, error) {
			return nil, fmt.Errorf("verify %s: %w", token, &auth.InvalidTokenError{Reason: "the session is closed"})
		},
		"panicked with a string": func(context.Context, string) (*auth.User, error) { panic(url.QueryEscape(token)) },
	} {
		s := newSetup(t, auth.Custom(issuer, verify))
		if _, c := s.send(token); c == nil || c.Status == http.StatusOK {
			t.Errorf("%s: challenge %+v", want, c)
		}
		if !strings.Contains(s.log(), want) || strings.Contains(s.log(), token) {
			t.Errorf("logged %s, want %q and no token", s.log(), want)
		}
	}
}
