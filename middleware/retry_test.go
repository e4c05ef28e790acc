package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/middleware"
)

// An upstream answers requests with statuses one after another; 0 is a connection
// that fails.
type upstream struct {
	statuses []int
	header   http.Header
	bodies   []string
	closed   int
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		body = string(text)
	}
	u.bodies = append(u.bodies, body)
	status := u.statuses[0]
	u.statuses = u.statuses[1:]
	if status == 0 {
		return nil, errors.New("connection reset")
	}
	return &http.Response{StatusCode: status, Header: u.header, Body: &counted{strings.NewReader("text"), &u.closed}}, nil
}

type counted struct {
	io.Reader
	closed *int
}

func (c *counted) Close() error {
	*c.closed++
	return nil
}

func TestRetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method   string
		key      string // of idempotency
		statuses []int
		after    string // Retry-After
		want     int    // the status in the end, 0 for an error
		sent     int
		least    time.Duration // that it takes
		most     time.Duration
	}{
		"at once":              {method: "GET", statuses: []int{200}, want: 200, sent: 1},
		"an error, then fine":  {method: "GET", statuses: []int{0, 503, 200}, want: 200, sent: 3, most: 601 * time.Millisecond},
		"never fine":           {method: "PUT", statuses: []int{502, 504, 503}, want: 503, sent: 3, most: 601 * time.Millisecond},
		"never there":          {method: "DELETE", statuses: []int{0, 0, 0}, want: 0, sent: 3, most: 601 * time.Millisecond},
		"a mistake":            {method: "GET", statuses: []int{400}, want: 400, sent: 1},
		"a fault":              {method: "GET", statuses: []int{500}, want: 500, sent: 1},
		"POST":                 {method: "POST", statuses: []int{503}, want: 503, sent: 1},
		"PATCH that fails":     {method: "PATCH", statuses: []int{0}, want: 0, sent: 1},
		"POST with a key":      {method: "POST", key: "1", statuses: []int{503, 200}, want: 200, sent: 2, most: 201 * time.Millisecond},
		"told when":            {method: "GET", statuses: []int{429, 200}, after: "7", want: 200, sent: 2, least: 7 * time.Second, most: 7 * time.Second},
		"told when, as a date": {method: "GET", statuses: []int{429, 200}, after: "date", want: 200, sent: 2, least: 4 * time.Second, most: 5 * time.Second},
		"told a long time":     {method: "GET", statuses: []int{429}, after: "11", want: 429, sent: 1},
		"told nonsense":        {method: "GET", statuses: []int{429, 200}, after: "soon", want: 200, sent: 2, most: 201 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{statuses: tt.statuses, header: http.Header{}}
				if tt.after == "date" {
					tt.after = time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat)
				}
				if tt.after != "" {
					u.header.Set("Retry-After", tt.after)
				}
				r, err := http.NewRequestWithContext(t.Context(), tt.method, "https://api.example/", bytes.NewReader([]byte("question")))
				if err != nil {
					t.Fatal(err)
				}
				if tt.key != "" {
					r.Header.Set("Idempotency-Key", tt.key)
				}
				began := time.Now()
				resp, err := (&middleware.Retry{Base: u}).RoundTrip(r)
				status, open := 0, 0
				if err == nil {
					status, open = resp.StatusCode, 1
				}
				if status != tt.want || len(u.bodies) != tt.sent {
					t.Errorf("status %d after %d requests, want %d after %d; error %v", status, len(u.bodies), tt.want, tt.sent, err)
				}
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("it takes %v, want %v to %v", took, tt.least, tt.most)
				}
				answered := 0
				for _, s := range tt.statuses[:tt.sent] {
					if s != 0 {
						answered++
					}
				}
				if u.closed != answered-open {
					t.Errorf("%d answers are closed, want %d", u.closed, answered-open)
				}
				for _, body := range u.bodies {
					if body != "question" {
						t.Errorf("the upstream got %q", body)
					}
				}
			})
		})
	}
}

// A wait ends with the context, and none is begun that would outlast it.
func TestRetryEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{statuses: []int{503, 503, 503}, header: http.Header{"Retry-After": {"5"}}}
		get := func(ctx context.Context) (*http.Response, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
			if err != nil {
				t.Fatal(err)
			}
			return (&middleware.Retry{Base: u}).RoundTrip(r)
		}
		short, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		began := time.Now()
		if resp, err := get(short); err != nil || resp.StatusCode != 503 || time.Since(began) > 0 {
			t.Errorf("with a deadline: %v after %v, want 503 at once", err, time.Since(began))
		}
		ended, end := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, end)
		if _, err := get(ended); !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("with a context that ends: %v after %v", err, time.Since(began))
		}
	})
}

// A body that cannot be had again is sent once.
func TestRetryWithoutGetBody(t *testing.T) {
	t.Parallel()
	u := &upstream{statuses: []int{503}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://api.example/", io.MultiReader(strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := (&middleware.Retry{Base: u}).RoundTrip(r); err != nil || resp.StatusCode != 503 || len(u.bodies) != 1 {
		t.Errorf("%v, %v after %d requests", resp, err, len(u.bodies))
	}
}
