package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxAnswer    = 512 << 10
	maxRedirects = 3

	// retryAfter is how long a provider that did not answer is left alone when
	// nothing can be done without it.
	retryAfter = 5 * time.Second
)

// harden returns a copy of client that follows redirects only of a GET, and
// only within one origin: the answer has to come from whom the configuration
// names, and credentials go nowhere else.
func harden(client *http.Client) *http.Client {
	c := *client
	c.Jar = nil
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0]
		if first.Method != http.MethodGet || len(via) > maxRedirects ||
			req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &c
}

// An answer is what a provider said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request to a provider. Its errors name the host and not the URL
// or the cause in full, which could repeat what was sent.
func ask(ctx context.Context, client *http.Client, method, url, contentType, body string, prepare func(*http.Request)) (*answer, error) {
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
		return nil, fmt.Errorf("ask %s: %w", req.URL.Host, causeOf(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read from %s: %w", req.URL.Host, err)
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("read from %s: more than %d bytes", req.URL.Host, maxAnswer)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: data}, nil
}

// causeOf takes the URL out of an error of net/http.
func causeOf(err error) error {
	for {
		cause := errors.Unwrap(err)
		if cause == nil {
			return err
		}
		err = cause
	}
}
