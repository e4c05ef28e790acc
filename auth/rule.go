package auth

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// ruleTimeout bounds the time a function of the server takes to judge a caller.
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
		err = ctx.Err() // an answer after the deadline does not count
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r, err)
	}
	return nil
}

// rule is RuleFunc for conditions that cannot fail.
func rule(ok func(*User) bool, format string, args ...any) Rule {
	return RuleFunc(fmt.Sprintf(format, args...), func(_ context.Context, u *User) error {
		if !ok(u) {
			return errDenied
		}
		return nil
	})
}

// HasRole demands a role.
func HasRole(role string) Rule {
	return rule(func(u *User) bool { return slices.Contains(u.Roles, role) }, "have the role %q", role)
}

// InGroup demands membership of a group.
func InGroup(group string) Rule {
	return rule(func(u *User) bool { return slices.Contains(u.Groups, group) }, "be in the group %q", group)
}

// IsUser demands one particular caller.
func IsUser(issuer, subject string) Rule {
	return rule(func(u *User) bool { return weburl.SameIssuer(u.Issuer, issuer) && u.Subject == subject },
		"be %q of %s", subject, issuer)
}

// Claim demands a claim of exactly this value. A string matches a string and a
// bool a bool; a number is matched by a [encoding/json.Number] of the same
// spelling. Lists are not searched.
func Claim(name string, value any) Rule {
	return rule(func(u *User) bool {
		got, ok := u.Claims[name]
		return ok && reflect.DeepEqual(got, value)
	}, "have the claim %s = %v", name, value)
}

// FromIssuer demands a caller of one issuer, for a resource with several
// providers.
func FromIssuer(issuer string) Rule {
	return rule(func(u *User) bool { return weburl.SameIssuer(u.Issuer, issuer) }, "come from the issuer %s", issuer)
}

// VerifiedEmailDomain demands an e-mail address at the domain that the provider
// has verified. Subdomains do not count. Letters are compared without case as
// far as ASCII goes; an international domain is compared in the spelling that
// the provider uses. An address that two readers may split differently, with
// more than one "@", a space, a control character or a mark that changes the
// direction of text, is at no domain.
func VerifiedEmailDomain(domain string) Rule {
	return rule(func(u *User) bool {
		at, ok := emailDomain(u.Email)
		return ok && u.EmailVerified && domain != "" && foldASCII(at) == foldASCII(domain)
	}, "have a verified e-mail address at %s", domain)
}

// emailDomain returns the part of an address after the "@".
func emailDomain(address string) (domain string, ok bool) {
	local, domain, found := strings.Cut(address, "@")
	strange := func(c rune) bool {
		return c == '@' || c == utf8.RuneError || unicode.In(c, unicode.Z, unicode.C)
	}
	if !found || local == "" || domain == "" || strings.IndexFunc(local+domain, strange) >= 0 {
		return "", false
	}
	return domain, true
}

// foldASCII puts the letters of ASCII into lower case. Unicode's folding would
// make one of different domains, such as those with the Kelvin sign and with k.
func foldASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// Person demands that the client calls for a person.
func Person() Rule {
	return rule(func(u *User) bool { return !u.Machine }, "be a person")
}

// Machine demands that the client calls for itself.
func Machine() Rule {
	return rule(func(u *User) bool { return u.Machine }, "be a machine")
}

// Any demands at least one of the rules. Any of no rules denies everybody.
func Any(rules ...Rule) Rule {
	return RuleFunc(describe(rules, " or "), func(ctx context.Context, u *User) error {
		denied := []error{errDenied}
		for _, r := range rules {
			err := r.Check(ctx, u)
			if err == nil {
				return nil
			}
			denied = append(denied, err)
		}
		return errors.Join(denied...)
	})
}

// All demands every one of the rules. All of no rules denies everybody: an
// empty list is more likely a mistake than an intention.
func All(rules ...Rule) Rule {
	return RuleFunc(describe(rules, " and "), func(ctx context.Context, u *User) error {
		if len(rules) == 0 {
			return errDenied
		}
		for _, r := range rules {
			if err := r.Check(ctx, u); err != nil {
				return err
			}
		}
		return nil
	})
}

func describe(rules []Rule, joint string) string {
	if len(rules) == 0 {
		return "never be let in"
	}
	parts := make([]string, len(rules))
	for i, r := range rules {
		parts[i] = r.String()
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, joint) + ")"
}
