package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	fetchTimeout = 10 * time.Second
	maxAnswer    = 512 << 10
	maxURL       = 8 << 10
)

// parseEndpoint returns an error unless s is a URL that can be trusted to reach
// whom it names: https, or http to this machine (OAuth 2.1, section 1.5). It
// does not quote s.
func parseEndpoint(s string) (*url.URL, error) {
	if len(s) > maxURL {
		return nil, errors.New("not a URL")
	}
	return weburl.ParseSecure(s)
}

// An answer is a response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// A fetcher sends requests to authorization servers and for metadata.
type fetcher struct {
	client *http.Client

	// insecure is the origin whose metadata may be read over http, if any.
	insecure string

	// trace notes requests for metadata. It may be nil.
	trace *trace
}

func newFetcher(client *http.Client) fetcher { return fetcher{client: guard.Harden(client)} }

// send sends a request and reads the answer. Its errors name the host and
// nothing else of the request.
func (f fetcher) send(req *http.Request) (*answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), fetchTimeout)
	defer cancel()
	req.Header.Set("Accept", "application/json")
	resp, err := f.client.Do(req.WithContext(ctx))
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the URL stays out
		}
		return nil, fmt.Errorf("ask %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read from %s: %w", req.URL.Host, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("read from %s: more than %d bytes", req.URL.Host, maxAnswer)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

func (f fetcher) parse(target string) (*url.URL, error) {
	u, err := parseEndpoint(target)
	if !errors.Is(err, weburl.ErrNotSecure) || f.insecure == "" {
		return u, err
	}
	if u, parseErr := url.Parse(target); parseErr == nil && weburl.Origin(u) == f.insecure {
		return u, nil
	}
	return nil, err
}

// isMetadata reports whether the answer holds metadata. An HTML page, which
// some servers show for every path, does not count.
func (a *answer) isMetadata() bool {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	return a.status == http.StatusOK && kind != "text/html"
}

// get reads metadata. It returns nil and no error when the URL has none. The name
// is of the step.
func (f fetcher) get(ctx context.Context, name, target string) (*answer, error) {
	a, err := f.read(ctx, target)
	f.trace.noteFetch(name, target, a, err)
	if err != nil || !a.isMetadata() {
		return nil, err
	}
	return a, nil
}

func (f fetcher) read(ctx context.Context, target string) (*answer, error) {
	u, err := f.parse(target)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, errors.New("make request")
	}
	a, err := f.send(req)
	if err == nil && a.status >= 500 {
		err = fmt.Errorf("ask %s: HTTP status %d", u.Host, a.status)
	}
	return a, err
}

// decode reads a JSON object of a peer: exact names, none twice.
func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return errors.New("not a valid JSON object of this kind") // the cause quotes the peer
	}
	return nil
}
