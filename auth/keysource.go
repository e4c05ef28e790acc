package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How long keys live. Rotation is announced by publishing the next key early,
// so neither bound makes a good token fail.
const (
	minKeyTime     = 5 * time.Minute
	defaultKeyTime = time.Hour
	maxKeyTime     = 24 * time.Hour

	// staleTime is how long keys outlive that while the issuer cannot be
	// reached.
	staleTime = 24 * time.Hour

	// coolDown is the time between fetches that a token with an unknown key, or
	// a failure, can cause.
	coolDown = 30 * time.Second
)

// A keySource has the keys of one issuer. It fetches them when they are needed
// and does nothing in between, because where processes are frozen between
// requests nothing happens in between.
type keySource struct {
	issuer string
	env    *environment
	flight group[struct{}, *keySet]

	mu        sync.Mutex
	set       *keySet // nil before the first fetch
	url       string  // of the key set
	fetchedAt time.Time
	life      time.Duration
	failedAt  time.Time
	unknownAt time.Time // of the last fetch for an unknown key
	attempts  int
}

func newKeySource(issuer string, seed *keySet, env *environment) *keySource {
	s := &keySource{issuer: issuer, env: env}
	if seed != nil {
		s.set, s.fetchedAt, s.life = seed, env.now(), defaultKeyTime
	}
	return s
}

// current returns the keys that are in use, if any.
func (s *keySource) current() *keySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// load returns keys that are good at the moment. Fresh says that this call had
// to wait for them to be fetched.
func (s *keySource) load(ctx context.Context) (set *keySet, fresh bool, err error) {
	now := s.env.now()
	s.mu.Lock()
	set, seen := s.set, s.attempts
	ok := set != nil && within(now, s.fetchedAt, s.life)
	usable := set != nil && now.Before(s.fetchedAt.Add(s.life+staleTime))
	rest := coolDown
	if !usable {
		rest = retryAfter
	}
	resting := within(now, s.failedAt, rest)
	s.mu.Unlock()

	switch {
	case ok:
		return set, false, nil
	case usable && (resting || s.flight.busy(struct{}{})):
		return set, false, nil // others need not wait for the one that asks
	case resting:
		return nil, false, unavailable{retryAfter, fmt.Errorf("keys of %s: the issuer did not answer", s.issuer)}
	}
	fetched, err := s.fetch(ctx, seen, true)
	switch {
	case err == nil:
		return fetched, true, nil
	case usable:
		return set, true, nil
	}
	return nil, true, unavailable{retryAfter, fmt.Errorf("keys of %s: %w", s.issuer, err)}
}

// refetch returns keys that may include one that the issuer has just begun to
// use, at most once in coolDown.
func (s *keySource) refetch(ctx context.Context) *keySet {
	now := s.env.now()
	s.mu.Lock()
	set, seen := s.set, s.attempts
	resting := within(now, s.unknownAt, coolDown) || within(now, s.failedAt, coolDown)
	if !resting {
		s.unknownAt = now
	}
	s.mu.Unlock()
	if resting && !s.flight.busy(struct{}{}) {
		return set
	}
	fetched, err := s.fetch(ctx, seen, false)
	if err != nil {
		return set
	}
	return fetched
}

// fetch gets the keys, unless somebody has since the caller looked, at which
// time there had been so many attempts.
func (s *keySource) fetch(ctx context.Context, seen int, discover bool) (*keySet, error) {
	return s.flight.do(ctx, struct{}{}, func(ctx context.Context) (*keySet, error) {
		s.mu.Lock()
		set, url, attempts, failed := s.set, s.url, s.attempts, !s.failedAt.IsZero()
		s.mu.Unlock()
		if attempts != seen {
			if failed {
				return nil, errors.New("the issuer did not answer")
			}
			return set, nil
		}
		if discover || url == "" {
			url = ""
		}
		set, url, life, err := s.get(ctx, url)
		return s.keep(ctx, set, url, life, err)
	})
}

// get asks the issuer where its keys are, unless that is known, and for them.
func (s *keySource) get(ctx context.Context, url string) (*keySet, string, time.Duration, error) {
	var err error
	if url == "" {
		if url, err = discoverKeys(ctx, s.env.client, s.issuer); err != nil {
			return nil, "", 0, fmt.Errorf("discover %s: %w", s.issuer, err)
		}
	}
	a, err := ask(ctx, s.env.client, http.MethodGet, url, "", "", nil)
	if err != nil {
		return nil, url, 0, err
	}
	if a.status != http.StatusOK {
		return nil, url, 0, fmt.Errorf("key set: HTTP status %d", a.status)
	}
	set, err := parseKeySet(a.body)
	if err != nil {
		return nil, url, 0, fmt.Errorf("key set: %w", err)
	}
	return set, url, lifetime(a.header), nil
}

// keep records the outcome of a fetch.
func (s *keySource) keep(ctx context.Context, set *keySet, url string, life time.Duration, err error) (*keySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	if err != nil {
		s.failedAt, s.url = s.env.now(), "" // discover again next time
		s.env.logger.LogAttrs(ctx, slog.LevelWarn, "keys not fetched",
			slog.String("issuer", s.issuer), slog.Any("error", err), slog.Bool("stale", s.set != nil))
		return nil, err
	}
	// The same keys stay the same set, and what was verified with it good.
	if s.set == nil || s.set.text != set.text {
		s.set = set
	}
	s.url, s.life, s.fetchedAt, s.failedAt = url, life, s.env.now(), time.Time{}
	return s.set, nil
}

// lifetime reads how long an answer may be kept, within bounds (RFC 9111,
// section 5.2.2).
func lifetime(h http.Header) time.Duration {
	life := defaultKeyTime
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minKeyTime
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(life, minKeyTime), maxKeyTime)
}

// discoverKeys reads the metadata of the issuer and returns the URL of its key
// set. Issuers publish it at the path of OpenID Connect Discovery, section 4, or
// of RFC 8414, section 3.
func discoverKeys(ctx context.Context, client *http.Client, issuer string) (string, error) {
	fallback, err := insert(issuer, "/.well-known/oauth-authorization-server")
	if err != nil {
		return "", err
	}
	var a *answer
	for _, url := range []string{strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration", fallback} {
		if a, err = ask(ctx, client, http.MethodGet, url, "", "", nil); err != nil {
			return "", err
		}
		if a.status != http.StatusNotFound {
			break
		}
	}
	if a.status != http.StatusOK {
		return "", fmt.Errorf("HTTP status %d", a.status)
	}
	return parseDiscovery(a.body, issuer)
}

// parseDiscovery reads the metadata of an issuer, which must be about that very
// issuer (RFC 8414, section 3.3).
func parseDiscovery(data []byte, issuer string) (string, error) {
	metadata, err := decodeObject(data)
	if err != nil {
		return "", err
	}
	if metadata["issuer"] != issuer {
		return "", errors.New("the metadata is about another issuer")
	}
	keys, _ := metadata["jwks_uri"].(string)
	u, err := checkURL(keys)
	if err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if u.Scheme == "http" && strings.HasPrefix(issuer, "https:") {
		return "", errors.New("jwks_uri: http, where the issuer is https")
	}
	return keys, nil
}
