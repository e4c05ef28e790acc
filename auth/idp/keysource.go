package idp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/tokencache"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// How long keys live. A key that the issuer withdraws stays good until the keys
// are fetched again. Rotation is announced by publishing the next key early, so
// that no bound makes a good token fail.
const (
	minKeyTime     = time.Minute
	defaultKeyTime = 10 * time.Minute // unless WithKeyLifetime says otherwise
	maxKeyTime     = 24 * time.Hour

	// defaultOutage is how long keys are used beyond that while the issuer
	// cannot be reached, unless WithOutage says otherwise.
	defaultOutage = time.Hour

	// coolDown is the time between fetches that a token with an unknown key, or
	// a failure, can cause.
	coolDown = 30 * time.Second

	// retryAfter is how long an issuer that did not answer is left alone when
	// nothing can be done without it.
	retryAfter = 5 * time.Second
)

// A keySource has the keys of one issuer. It fetches them when they are needed
// and does nothing in between, because where processes are frozen between
// requests nothing happens in between.
type keySource struct {
	issuer           string
	env              auth.Environment
	lifetime, outage time.Duration
	calls            singleflight.Group

	mu        sync.Mutex
	set       *keySet // nil before the first fetch
	url       string  // of the key set
	fetchedAt time.Time
	life      time.Duration
	failedAt  time.Time
	unknownAt time.Time // of the last fetch for an unknown key
	attempts  int
	waiting   int // for a fetch
}

func newKeySource(p *profile, env auth.Environment) *keySource {
	s := &keySource{issuer: p.issuer, env: env, lifetime: p.keyLifetime, outage: p.outage}
	if p.keys != nil {
		s.set, s.fetchedAt, s.life = p.keys, env.Now(), s.lifetime
	}
	return s
}

// current returns the keys whose lifetime is not over, if any.
func (s *keySource) current(now time.Time) *keySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !tokencache.Within(now, s.fetchedAt, s.life) {
		return nil
	}
	return s.set
}

// load returns keys that are good at the moment. Fresh says that this call had
// to wait for them to be fetched.
func (s *keySource) load(ctx context.Context) (set *keySet, fresh bool, err error) {
	now := s.env.Now()
	s.mu.Lock()
	set, seen, fetching := s.set, s.attempts, s.waiting > 0
	ok := set != nil && tokencache.Within(now, s.fetchedAt, s.life)
	usable := set != nil && now.Before(s.fetchedAt.Add(s.life+s.outage))
	rest := coolDown
	if !usable {
		rest = retryAfter
	}
	resting := tokencache.Within(now, s.failedAt, rest)
	// The others need not wait for the request that fetches.
	asks := !ok && !resting && (!usable || !fetching)
	if asks {
		s.waiting++
	}
	s.mu.Unlock()

	switch {
	case asks:
		defer s.leave()
	case usable:
		return set, false, nil
	default:
		return nil, false, unavailable("keys of %s: the issuer did not answer", s.issuer)
	}
	fetched, err := s.fetch(ctx, seen, true)
	switch {
	case err == nil:
		return fetched, true, nil
	case usable:
		return set, true, nil
	}
	return nil, true, unavailable("keys of %s: %v", s.issuer, err)
}

// refetch returns keys that may include one that the issuer has just begun to
// use, at most once in coolDown.
func (s *keySource) refetch(ctx context.Context) *keySet {
	now := s.env.Now()
	s.mu.Lock()
	set, seen, fetching := s.set, s.attempts, s.waiting > 0
	resting := tokencache.Within(now, s.unknownAt, coolDown) || tokencache.Within(now, s.failedAt, coolDown)
	if resting && !fetching {
		s.mu.Unlock()
		return set
	}
	if !resting {
		s.unknownAt = now
	}
	s.waiting++
	s.mu.Unlock()
	defer s.leave()
	fetched, err := s.fetch(ctx, seen, false)
	if err != nil {
		return set
	}
	return fetched
}

// leave says that a request no longer waits for a fetch.
func (s *keySource) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
}

// fetch gets the keys, unless another request has got them since the caller
// looked, when there had been as many attempts as seen. A caller that disconnects
// stops waiting; the fetch goes on for the others.
func (s *keySource) fetch(ctx context.Context, seen int, discover bool) (*keySet, error) {
	fetched := s.calls.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		return s.fetchOnce(ctx, seen, discover)
	})
	select {
	case f := <-fetched:
		set, _ := f.Val.(*keySet)
		return set, f.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *keySource) fetchOnce(ctx context.Context, seen int, discover bool) (set *keySet, err error) {
	s.mu.Lock()
	set, url, attempts, failed := s.set, s.url, s.attempts, !s.failedAt.IsZero()
	s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil { // of an http.RoundTripper, for example
			set, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	if attempts != seen {
		if failed {
			return nil, errors.New("the issuer did not answer")
		}
		return set, nil
	}
	if discover {
		url = ""
	}
	set, url, life, err := s.get(ctx, url)
	return s.keep(ctx, set, url, life, err)
}

// get asks the issuer where its keys are, unless that is known, and for them.
func (s *keySource) get(ctx context.Context, url string) (*keySet, string, time.Duration, error) {
	var err error
	if url == "" {
		if url, err = discoverKeys(ctx, s.env.Client, s.issuer); err != nil {
			return nil, "", 0, fmt.Errorf("discover %s: %w", s.issuer, err)
		}
	}
	a, err := ask(ctx, s.env.Client, http.MethodGet, url, "", "", nil)
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
	return set, url, s.lifetimeOf(a.header), nil
}

// keep records the outcome of a fetch.
func (s *keySource) keep(ctx context.Context, set *keySet, url string, life time.Duration, err error) (*keySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	if err != nil {
		s.failedAt, s.url = s.env.Now(), "" // discover again next time
		s.env.Logger.LogAttrs(ctx, slog.LevelWarn, "keys not fetched",
			slog.String("issuer", s.issuer), slog.Any("error", err), slog.Bool("stale", s.set != nil))
		return nil, err
	}
	// Equal keys stay one set, so that tokens verified with it stay accepted.
	if s.set == nil || s.set.text != set.text {
		s.set = set
	}
	s.url, s.life, s.fetchedAt, s.failedAt = url, life, s.env.Now(), time.Time{}
	return s.set, nil
}

// lifetimeOf reads how long an answer may be kept, within bounds (RFC 9111,
// section 5.2.2). The issuer can shorten the time and not extend it.
func (s *keySource) lifetimeOf(h http.Header) time.Duration {
	life := s.lifetime
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minKeyTime
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = min(life, time.Duration(seconds)*time.Second)
			}
		}
	}
	return max(life, minKeyTime)
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
	if named, _ := metadata["issuer"].(string); !weburl.SameIssuer(named, issuer) {
		return "", fmt.Errorf("the metadata is about the issuer %.200q and not about %q", named, issuer)
	}
	keys, _ := metadata["jwks_uri"].(string)
	u, err := weburl.ParseSecure(keys)
	if err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if u.Scheme == "http" && strings.HasPrefix(issuer, "https:") {
		return "", errors.New("jwks_uri: http, where the issuer is https")
	}
	return keys, nil
}

// insert puts a well-known path between host and path of an issuer (RFC 8414,
// section 3.1).
func insert(issuer, wellKnown string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return "", fmt.Errorf("parse issuer: %w", err)
	}
	return u.Scheme + "://" + u.Host + wellKnown + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}
