package oauth

import (
	"net/http"
	"strings"
)

// A challenge is one of a response (RFC 9110, section 11.6.1). The scheme and
// the names of parameters are in lower case.
type challenge struct {
	scheme string
	params map[string]string
}

const (
	maxChallenges     = 16
	maxChallengeBytes = 16 << 10
)

// challengeFields are where challenges are. API Gateway and Lambda Function URLs
// rename the first to the second.
var challengeFields = []string{"WWW-Authenticate", "X-Amzn-Remapped-Www-Authenticate"}

// parseChallenges reads what can be read of the challenges of a response.
func parseChallenges(h http.Header) []challenge {
	var all []challenge
	for _, field := range challengeFields {
		for _, value := range h.Values(field) {
			if len(value) <= maxChallengeBytes {
				all = appendChallenges(all, value)
			}
		}
	}
	return all
}

// find returns the first challenge of the scheme.
func find(all []challenge, scheme string) *challenge {
	for i := range all {
		if all[i].scheme == scheme {
			return &all[i]
		}
	}
	return nil
}

// get returns a parameter, and "" when there is none or no challenge.
func (c *challenge) get(name string) string {
	if c == nil {
		return ""
	}
	return c.params[name]
}

// appendChallenges reads a list of challenges. A word that is followed by an
// equals sign is a parameter of the challenge before it, and any other word
// begins a challenge. Reading ends at what is neither.
func appendChallenges(all []challenge, s string) []challenge {
	first := len(all)
	for len(all) <= maxChallenges {
		s = strings.TrimLeft(s, " \t,")
		word := s[:tokenLength(s)]
		if word == "" {
			break
		}
		s = strings.TrimLeft(s[len(word):], " \t")
		if !strings.HasPrefix(s, "=") || len(all) == first {
			all = append(all, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
			continue
		}
		value, rest, ok := parseValue(strings.TrimLeft(s[1:], " \t"))
		if !ok {
			break
		}
		s = rest
		name := strings.ToLower(word)
		// The first of two is the one that a stricter reader would have seen.
		if _, twice := all[len(all)-1].params[name]; !twice {
			all[len(all)-1].params[name] = value
		}
	}
	return all[:min(len(all), maxChallenges)]
}

// parseValue reads a token or a quoted string.
func parseValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := tokenLength(s)
		return s[:n], s[n:], n > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// tokenLength returns the length of the token (RFC 9110, section 5.6.2) that s
// begins with.
func tokenLength(s string) int {
	const symbols = "!#$%&'*+-.^_`|~"
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') && !strings.Contains(symbols, string(c)) {
			return i
		}
	}
	return len(s)
}
