package middleware

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// A Retry is an [http.RoundTripper] that sends a request to another service again
// when that cannot do harm. Its zero value is ready to use.
//
// Requests with the methods GET, HEAD, OPTIONS, TRACE, PUT and DELETE are sent
// again, and others that have the header field Idempotency-Key, when the connection
// fails or the answer is 429, 502, 503 or 504. A request with a body needs GetBody,
// which [http.NewRequest] sets. It is sent again after a random time that doubles,
// or after what Retry-After says. It never waits beyond the deadline of the
// request's context, and ends with it.
type Retry struct {
	// Base sends the requests. The default is [http.DefaultTransport].
	Base http.RoundTripper

	// Attempts is how often a request is sent at most. The default is 3.
	Attempts int

	// Backoff is the longest wait before the second attempt. The default is 200
	// milliseconds.
	Backoff time.Duration

	// MaxWait bounds one wait: an answer that asks for a longer one is returned.
	// The default is 10 seconds.
	MaxWait time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (t *Retry) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	for attempt := 1; ; attempt++ {
		resp, err := base.RoundTrip(r)
		if attempt >= orDefault(t.Attempts, 3) || !mayRepeat(r) || !isTransient(resp, err) || r.Context().Err() != nil {
			return resp, err
		}
		wait := t.wait(attempt, resp)
		if wait > orDefault(t.MaxWait, 10*time.Second) || !fits(r.Context(), wait) {
			return resp, err
		}
		again, ok := repeated(r)
		if !ok {
			return resp, err
		}
		discard(resp)
		if err := sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		r = again
	}
}

func orDefault[N int | time.Duration](n, otherwise N) N {
	if n <= 0 {
		return otherwise
	}
	return n
}

// mayRepeat reports whether a request may be made twice (RFC 9110, section 9.2.2).
func mayRepeat(r *http.Request) bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Header.Get("Idempotency-Key") != ""
}

func isTransient(resp *http.Response, err error) bool {
	if err != nil {
		return true
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// wait is how long to wait before the attempt after this one.
func (t *Retry) wait(attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if wait, ok := retryAfter(resp.Header.Get("Retry-After")); ok {
			return wait
		}
	}
	longest, most := orDefault(t.Backoff, 200*time.Millisecond), orDefault(t.MaxWait, 10*time.Second)
	for range attempt - 1 {
		if longest > most/2 {
			break
		}
		longest *= 2
	}
	return rand.N(min(longest, most)) + 1
}

// retryAfter reads Retry-After: seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(value string) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1_000_000)) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}

// fits reports whether a wait ends before the context does.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// repeated returns the request with its body from the beginning.
func repeated(r *http.Request) (*http.Request, bool) {
	again := r.Clone(r.Context())
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return again, true
	case r.GetBody == nil:
		return nil, false
	}
	body, err := r.GetBody()
	again.Body = body
	return again, err == nil
}

// maxDiscard is how much of an answer is read so that its connection can be used
// again.
const maxDiscard = 64 << 10

func discard(resp *http.Response) {
	if resp != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDiscard) // the connection is closed when this fails
		resp.Body.Close()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
