package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mcpengine/mcpengine/internal/tokencache"
)

const (
	// refusedTime is how long a refused token is not asked about again. It is
	// short, because a token that was made a moment ago may not have reached
	// every replica of its issuer.
	refusedTime = 10 * time.Second
	maxRefused  = 4096

	// familiarTime is how long a token that was accepted stays known as such,
	// which lets it past the budget of the others.
	familiarTime = 24 * time.Hour
	maxFamiliar  = 16384

	// maxBurst is how many refusals in a row the budget has room for.
	maxBurst = 100

	// maxQuestions bounds the questions under way, once for tokens that were
	// accepted before and once for the others.
	maxQuestions = 64

	// verifyTimeout bounds one question.
	verifyTimeout = 10 * time.Second
)

var errBudget = &UnavailableError{Reason: "too many tokens were refused: this one, which was never accepted, is not asked about"}

// A memory stands in front of a Verifier that asks an issuer. It keeps a flood of
// made-up tokens from becoming a flood of questions, and from keeping out callers
// whose tokens are good.
type memory struct {
	verifier *Verifier
	now      func() time.Time
	calls    singleflight.Group

	good     *tokencache.Cache[*User]
	familiar *tokencache.Cache[struct{}]
	refused  *tokencache.Cache[error]

	known, unknown chan struct{} // slots for questions
	budget         budget
}

func newMemory(v *Verifier, env Environment) *memory {
	return &memory{
		verifier: v,
		now:      env.Now,
		good:     tokencache.New[*User](env.TokenCache),
		familiar: tokencache.New[struct{}](maxFamiliar),
		refused:  tokencache.New[error](maxRefused),
		known:    make(chan struct{}, maxQuestions),
		unknown:  make(chan struct{}, maxQuestions),
		budget:   budget{perSecond: float64(v.Refusals) / 60, left: maxBurst, at: env.Now()},
	}
}

// check answers from memory or asks. A caller that disconnects stops waiting; the
// question goes on, because others may wait for the same answer.
func (m *memory) check(ctx context.Context, token string) (*User, error) {
	name, now := tokencache.Of(token), m.now()
	if u, ok := m.good.Get(name, now); ok {
		return u, nil
	}
	if err, ok := m.refused.Get(name, now); ok {
		return nil, err
	}
	if err := checkCharacters(token); err != nil {
		return nil, err
	}
	answer := m.calls.DoChan(string(name[:]), func() (any, error) {
		return m.ask(context.WithoutCancel(ctx), name, token)
	})
	select {
	case a := <-answer:
		u, _ := a.Val.(*User)
		return u, a.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) ask(ctx context.Context, name tokencache.Digest, token string) (u *User, err error) {
	defer func() {
		if p := recover(); p != nil {
			u, err = nil, &UnavailableError{Reason: fmt.Sprintf("the provider panicked with a %T", p)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	_, familiar := m.familiar.Get(name, m.now())
	slots := m.known
	if !familiar {
		if slots = m.unknown; !m.budget.take(m.now()) {
			return nil, errBudget
		}
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	u, err = m.verifier.Verify(ctx, token)
	m.keep(name, familiar, u, err)
	return u, err
}

// keep remembers an answer. A failure to get one is not remembered.
func (m *memory) keep(name tokencache.Digest, familiar bool, u *User, err error) {
	now := m.now()
	switch {
	case err == nil && u != nil:
		if !familiar {
			m.budget.giveBack()
		}
		span := m.verifier.Remember
		if !u.Expiry.IsZero() {
			span = min(span, u.Expiry.Sub(now))
		}
		m.good.Put(name, u, now, span)
		m.familiar.Put(name, struct{}{}, now, familiarTime)
	case errors.Is(err, ErrInvalidToken):
		m.familiar.Delete(name)
		m.refused.Put(name, err, now, refusedTime)
	}
}

// A budget bounds the rate of questions about bad tokens. It works as a token
// bucket does: each question takes one unit, units come back over time, and an
// accepted token gives its unit back.
type budget struct {
	perSecond float64

	mu   sync.Mutex
	left float64
	at   time.Time
}

func (b *budget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.left = min(maxBurst, b.left+passed*b.perSecond)
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (b *budget) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(maxBurst, b.left+1)
}
