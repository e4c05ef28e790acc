package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/tokencache"
)

const (
	// maxUpstreamTokens bounds the tokens and refusals that are remembered, and
	// maxUpstreamEach bounds the ones of one caller.
	maxUpstreamTokens = 4096
	maxUpstreamEach   = 64

	// maxUpstreamQuestions bounds the questions to providers under way. Callers
	// share it.
	maxUpstreamQuestions = 64

	// upstreamTimeout bounds one question, with its repetition.
	upstreamTimeout = 15 * time.Second

	// upstreamSkew is how long before its end a token is no longer handed out from
	// memory: the API has to find it good.
	upstreamSkew = 30 * time.Second

	// maxUpstreamLife bounds how long a token is remembered, and unknownLife is how
	// long one is whose end the provider did not name.
	maxUpstreamLife = time.Hour
	unknownLife     = time.Minute

	// A refusal is remembered for refusedTime. A failure that may pass is remembered
	// for failedTime, or as long as the provider wants to be left alone.
	failedTime = time.Second
	maxRest    = time.Minute
)

var errUpstreamBusy = &UpstreamError{Reason: "too many tokens are being asked for at the moment", Temporary: true}

// An upstreamMemory stands in front of the sources of tokens. What it remembers
// belongs to one token of one caller: another caller, another client, or the same
// person after a new sign-in, has a key of its own.
type upstreamMemory struct {
	env       Environment
	calls     singleflight.Group
	questions *share.Bound

	mu      sync.Mutex
	entries map[tokencache.Digest]*upstreamEntry
	callers map[string][]tokencache.Digest // oldest first
}

type upstreamEntry struct {
	token  Token
	err    error
	at     time.Time
	span   time.Duration
	caller string
}

func newUpstreamMemory(env Environment) *upstreamMemory {
	return &upstreamMemory{
		env: env, questions: share.NewBound(maxUpstreamQuestions),
		entries: map[tokencache.Digest]*upstreamEntry{}, callers: map[string][]tokencache.Digest{},
	}
}

// keyOf names what a source has for a caller. The audience and scopes that are asked
// for belong to the source. The token that the caller sent is part of the key,
// because what a provider gives for it may depend on when and how its owner signed
// in, and on the scopes that were granted.
func keyOf(s *upstreamSource, c *UpstreamCaller) (key tokencache.Digest, caller string) {
	if s.Shared {
		return tokencache.Of(strconv.Itoa(s.number)), ""
	}
	caller = c.User.ID()
	sent := tokencache.Of(c.sent)
	var b strings.Builder
	for _, part := range []string{strconv.Itoa(s.number), caller, c.User.ClientID, string(sent[:])} {
		b.WriteString(strconv.Itoa(len(part)))
		b.WriteByte(' ')
		b.WriteString(part)
	}
	return tokencache.Of(b.String()), caller
}

// get answers from memory or asks the source. A caller that goes away stops waiting;
// the question goes on, because others may wait for the same answer.
func (m *upstreamMemory) get(ctx context.Context, s *upstreamSource, c *UpstreamCaller) (Token, error) {
	key, caller := keyOf(s, c)
	if t, err, ok := m.recall(key); ok {
		return t, err
	}
	answer := m.calls.DoChan(string(key[:]), func() (any, error) {
		if t, err, ok := m.recall(key); ok {
			return t, err // another question has ended in between
		}
		t, err := m.ask(context.WithoutCancel(ctx), s, c)
		m.keep(key, caller, t, err)
		return t, err
	})
	select {
	case a := <-answer:
		t, _ := a.Val.(Token)
		return t, a.Err
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
}

// ask asks the source.
func (m *upstreamMemory) ask(ctx context.Context, s *upstreamSource, c *UpstreamCaller) (t Token, err error) {
	asker := share.CallerOf(c.User.ID(), "")
	if !m.questions.Take(asker) {
		return Token{}, errUpstreamBusy
	}
	defer m.questions.Release(asker)
	defer func() {
		if p := recover(); p != nil {
			t, err = Token{}, &UpstreamError{Reason: fmt.Sprintf("the source panicked with a %T", p)}
		}
		if err != nil {
			m.log(ctx, s, err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	t, err = s.Token(ctx, c)
	switch {
	case err != nil:
		return Token{}, err
	case !isB64Token(t.Secret()) || len(t.Secret()) > MaxTokenBytes:
		return Token{}, &UpstreamError{Reason: "the provider sent something that cannot be an access token"}
	case !t.Expiry.IsZero() && !m.env.Now().Before(t.Expiry):
		return Token{}, &UpstreamError{Reason: "the provider sent a token that has expired", Temporary: true}
	}
	return t, nil
}

func (m *upstreamMemory) log(ctx context.Context, s *upstreamSource, err error) {
	attrs := []any{"audience", s.audience, "error", Redact(err)}
	if known, ok := errors.AsType[*UpstreamError](err); ok {
		attrs = []any{"audience", s.audience, "reason", known.Reason, "code", known.Code}
		if known.SignIn {
			m.env.Logger.InfoContext(ctx, "no token for an API until the caller signs in again", attrs...)
			return
		}
	}
	m.env.Logger.WarnContext(ctx, "no token for an API", attrs...)
}

// recall returns what is remembered under a key.
func (m *upstreamMemory) recall(key tokencache.Digest) (t Token, err error, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[key]
	if e == nil || !tokencache.Within(m.env.Now(), e.at, e.span) {
		return Token{}, nil, false
	}
	return e.token, e.err, true
}

// keep remembers an answer. What could not be asked for lack of a place is not
// remembered.
func (m *upstreamMemory) keep(key tokencache.Digest, caller string, t Token, err error) {
	if err == errUpstreamBusy { //nolint:errorlint // it is made here
		return
	}
	now := m.env.Now()
	e := &upstreamEntry{token: t, err: err, at: now, caller: caller}
	switch known, ok := errors.AsType[*UpstreamError](err); {
	case err == nil && t.Expiry.IsZero():
		e.span = unknownLife
	case err == nil:
		e.span = min(maxUpstreamLife, t.Expiry.Sub(now)-upstreamSkew)
	case ok && !known.Temporary:
		e.span = refusedTime
	case ok:
		e.span = min(max(known.RetryAfter, failedTime), maxRest)
	default:
		e.span = failedTime
	}
	if e.span <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(key)
	if own := m.callers[caller]; caller != "" && len(own) >= maxUpstreamEach {
		m.drop(own[0])
	}
	if len(m.entries) >= maxUpstreamTokens {
		m.evict(now)
	}
	m.entries[key] = e
	m.callers[caller] = append(m.callers[caller], key)
}

// forget drops what is remembered for a caller, after the API has refused it. A token
// that was got a moment ago stays: another one would be refused too.
func (m *upstreamMemory) forget(s *upstreamSource, c *UpstreamCaller) {
	key, _ := keyOf(s, c)
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[key]; e != nil && !tokencache.Within(m.env.Now(), e.at, refusedTime) {
		m.drop(key)
	}
}

// drop removes an entry.
func (m *upstreamMemory) drop(key tokencache.Digest) {
	e := m.entries[key]
	if e == nil {
		return
	}
	delete(m.entries, key)
	own := m.callers[e.caller]
	if i := slices.Index(own, key); i >= 0 {
		own = slices.Delete(own, i, i+1)
	}
	if m.callers[e.caller] = own; len(own) == 0 {
		delete(m.callers, e.caller)
	}
}

// evict makes room for one entry. Maps are walked in random order: among eight
// entries there is one whose time is over when that is so for most, and otherwise any
// entry has to go.
func (m *upstreamMemory) evict(now time.Time) {
	var victim tokencache.Digest
	looked := 0
	for key, e := range m.entries {
		victim = key
		if looked++; looked == 8 || !tokencache.Within(now, e.at, e.span) {
			break
		}
	}
	m.drop(victim)
}
