package peer

import (
	"net/http"
	"strings"

	"github.com/mcpengine/mcpengine/internal/httptoken"
)

// A Challenge is one challenge of a WWW-Authenticate field (RFC 9110, section
// 11.6.1). Scheme and the names of Params are in lower case.
type Challenge struct {
	Scheme string
	Params map[string]string

	// Field is the header field that held the challenge.
	Field string
}

// Bounds of what is read of a response's challenges.
const (
	maxChallengeBytes = 8 << 10
	maxChallenges     = 16
	maxChallengeParam = 32
)

// challengeFields are where challenges stand. API Gateway and Lambda function
// URLs rename the first to the second.
var challengeFields = []string{"WWW-Authenticate", "X-Amzn-Remapped-WWW-Authenticate"}

// Challenges reads the challenges of a response. It leaves out malformed parts,
// and challenges and parameters past a bound.
func Challenges(h http.Header) []Challenge {
	var all []Challenge
	for _, field := range challengeFields {
		before := len(all)
		for _, value := range h.Values(field) {
			if len(value) <= maxChallengeBytes {
				all = appendChallenges(all, value)
			}
		}
		for i := range all[before:] {
			all[before+i].Field = field
		}
	}
	return all
}

// FindChallenge returns the first challenge of a scheme, given in lower case,
// and nil if no challenge has it.
func FindChallenge(all []Challenge, scheme string) *Challenge {
	for i := range all {
		if all[i].Scheme == scheme {
			return &all[i]
		}
	}
	return nil
}

// Param returns a parameter, and "" if it is missing or c is nil.
func (c *Challenge) Param(name string) string {
	if c == nil {
		return ""
	}
	return c.Params[name]
}

// appendChallenges reads the challenges of one field value. A list of
// challenges and the list of one challenge's parameters use the same comma, so
// that only what follows a word tells whether it is a scheme or a name.
func appendChallenges(all []Challenge, value string) []Challenge {
	rest := value
	for {
		rest = strings.TrimLeft(rest, " \t,")
		word := token(rest)
		if word == "" {
			return all
		}
		rest = strings.TrimLeft(rest[len(word):], " \t")
		if text, ok := strings.CutPrefix(rest, "="); ok && len(all) > 0 {
			var param string
			if param, rest, ok = paramValue(strings.TrimLeft(text, " \t")); !ok {
				return all
			}
			last := all[len(all)-1]
			name := strings.ToLower(word)
			if param == "" && !strings.HasPrefix(strings.TrimLeft(text, " \t"), `"`) {
				continue // the end of credentials of another scheme, such as "abc="
			}
			// The first of two is the one that a stricter reader would have seen.
			if _, taken := last.Params[name]; !taken && len(last.Params) < maxChallengeParam {
				last.Params[name] = param
			}
			continue
		}
		if len(all) == maxChallenges {
			return all
		}
		all = append(all, Challenge{Scheme: strings.ToLower(word), Params: map[string]string{}})
	}
}

// token returns the token that s begins with (RFC 9110, section 5.6.2). A slash
// belongs to it, as in credentials of another scheme.
func token(s string) string {
	i := 0
	for i < len(s) && (s[i] == '/' || httptoken.IsByte(s[i])) {
		i++
	}
	return s[:i]
}

// paramValue reads a token or a quoted string (RFC 9110, section 5.6.4).
func paramValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		// URLs without quotation marks are not tokens, and common.
		end := strings.IndexAny(s, " \t,\"")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], true
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return text.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
			fallthrough
		default:
			text.WriteByte(s[i])
		}
	}
	return "", "", false
}
