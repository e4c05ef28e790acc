package caller

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ruleTimeout bounds how long a function of a server may think about a caller.
const ruleTimeout = 10 * time.Second

var errDenied = errors.New("the caller does not satisfy the rule")

// A Rule is a condition on the caller beyond scopes. The zero Rule denies
// everybody.
type Rule struct {
	why   string
	check func(context.Context, *User) error
}

// RuleFunc returns a rule made of a function, which denies by returning an
// error. A panic denies too, and so does an answer that comes after the
// deadline of its context, ten seconds at most. The description is a phrase
// that completes "the caller must", such as "own the project".
func RuleFunc(description string, check func(ctx context.Context, u *User) error) Rule {
	return Rule{why: description, check: check}
}

// String returns the description of the rule, a phrase that completes "the
// caller must".
func (r Rule) String() string {
	if r.check == nil {
		return "never be let in"
	}
	return r.why
}

// Check returns nil when the caller satisfies the rule. The error says which
// rule denied and why; it is for the log and not for the caller.
func (r Rule) Check(ctx context.Context, u *User) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", r, p)
		}
	}()
	if r.check == nil || u == nil {
		return fmt.Errorf("%s: %w", r, errDenied)
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTimeout)
	defer cancel()
	if err = r.check(ctx, u); err == nil {
		err = ctx.Err() // an answer that came too late is none
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r, err)
	}
	return nil
}
