package auth

import (
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// maxUpstreamRedirects bounds the redirects that the client of an API follows.
const maxUpstreamRedirects = 3

// UpstreamClient returns a client for an API behind the server. Each request gets
// the token of the caller that its context carries, as [Upstream] returns it:
//
//	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/orders", nil)
//	// …
//	resp, err := auth.UpstreamClient("https://api.example.com").Do(req)
//
// Requests to hosts that are not the API's fail before anything is sent. Redirects
// are followed for GET and HEAD within one origin; others are returned as responses.
// The error of a request unwraps to the [*UpstreamError].
func UpstreamClient(audience string) *http.Client {
	return &http.Client{Transport: UpstreamTransport(audience, nil), CheckRedirect: followWithin}
}

// followWithin follows redirects within one origin.
func followWithin(req *http.Request, via []*http.Request) error {
	read := via[0].Method == http.MethodGet || via[0].Method == http.MethodHead
	if !read || len(via) > maxUpstreamRedirects || weburl.Origin(req.URL) != weburl.Origin(via[0].URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

// UpstreamTransport is the transport of [UpstreamClient], for a client of your own.
// It sends requests through base, or through [http.DefaultTransport] when base is
// nil. A redirect to a host that is not the API's fails. When the API answers 401, a
// token that is older than ten seconds is forgotten, and the next request asks for a
// new one.
func UpstreamTransport(audience string, base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &upstreamTransport{audience, base}
}

type upstreamTransport struct {
	audience string
	base     http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *upstreamTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.send(req)
	if err != nil && req.Body != nil {
		req.Body.Close()
	}
	return resp, err
}

func (t *upstreamTransport) send(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	token, err := Upstream(ctx, t.audience)
	if err != nil {
		return nil, err
	}
	b, _ := ctx.Value(upstreamKey{}).(*upstreamCall) // Upstream has found it
	s, err := b.source(t.audience)
	if err != nil {
		return nil, err
	}
	if !s.sendsTo(req.URL) {
		return nil, &UpstreamError{Audience: t.audience, Reason: fmt.Sprintf(
			"%s is not an origin of the API: name its origins when you configure the API (upstream.WithOrigins)", weburl.Origin(req.URL))}
	}
	inner := req.Clone(ctx)
	token.Authorize(inner)
	resp, err := t.base.RoundTrip(inner)
	if err != nil {
		return nil, err
	}
	// The inner request has the token, and responses are logged.
	resp.Request = req
	if resp.StatusCode == http.StatusUnauthorized {
		b.resource.upstream.memory.forget(s, b.caller)
	}
	return resp, nil
}
