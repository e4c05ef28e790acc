package idp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

const (
	fetchTimeout = 5 * time.Second
	maxAnswer    = 512 << 10

	// maxRefusals is how many bad tokens an issuer is asked about in a minute.
	maxRefusals = 600
)

// An answer is the response of a provider.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request to a provider. Its errors name the host and leave out the
// URL and the text of the cause, which could repeat the token.
func ask(ctx context.Context, client *http.Client, method, url, contentType, body string, prepare func(*http.Request)) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("make request: invalid URL")
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if prepare != nil {
		prepare(req)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, unavailable("ask %s: %s", req.URL.Host, auth.Redact(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, unavailable("read from %s: %s", req.URL.Host, auth.Redact(err))
	case len(data) > maxAnswer:
		return nil, unavailable("read from %s: more than %d bytes", req.URL.Host, maxAnswer)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: data}, nil
}

// refuse returns the reason to refuse a token. It is made of our own text and
// never of the token's.
func refuse(format string, args ...any) error {
	return &auth.InvalidTokenError{Reason: fmt.Sprintf(format, args...)}
}

// unavailable returns the reason why a token could not be checked.
func unavailable(format string, args ...any) error {
	return &auth.UnavailableError{Reason: fmt.Sprintf(format, args...)}
}

const formType = "application/x-www-form-urlencoded"

// encodeCredentials prepares a client id and secret for HTTP Basic (RFC 6749,
// section 2.3.1).
func encodeCredentials(id, secret string) (user, password string) {
	return url.QueryEscape(id), url.QueryEscape(secret)
}
