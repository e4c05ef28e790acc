package upstream

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

const (
	// maxClaims bounds a claims challenge, which goes into a header field.
	maxClaims = 2 << 10

	// maxLife bounds the life of a token. It is remembered for less.
	maxLife = 366 * 24 * time.Hour
)

// An answer is what a token endpoint says (RFC 6749, section 5; RFC 8693, section
// 2.2).
type answer struct {
	token, kind, issued string

	life *time.Duration // nil when it is not named

	code   string
	number string // the first of Microsoft's error codes
	claims string // what the provider wants of the next sign-in, a JSON object
}

var errAnswer = errors.New("not a token answer")

// parseAnswer reads an answer. It refuses what two readers could understand
// differently, such as a member that is there twice.
func parseAnswer(body []byte) (*answer, error) {
	members, err := jsonrpc.ParseObject(body)
	if err != nil {
		return nil, errAnswer
	}
	a := &answer{}
	texts := map[string]*string{"access_token": &a.token, "token_type": &a.kind, "issued_token_type": &a.issued, "error": &a.code, "claims": &a.claims}
	for _, m := range members {
		name := string(m.Name)
		switch into := texts[name]; {
		case into != nil && m.Value[0] == '"':
			*into = jsonrpc.UnquoteString(m.Value)
		case into != nil && string(m.Value) != "null":
			return nil, errAnswer
		case name == "expires_in":
			if a.life, err = parseLife(m.Value); err != nil {
				return nil, err
			}
		case name == "error_codes":
			a.number = firstNumber(m.Value)
		}
	}
	if members, err := jsonrpc.ParseObject([]byte(a.claims)); err != nil || len(members) == 0 || len(a.claims) > maxClaims {
		a.claims = ""
	}
	return a, nil
}

// parseLife reads expires_in: seconds, which some providers put into a string.
func parseLife(value []byte) (*time.Duration, error) {
	text := string(value)
	switch {
	case text == "null":
		return nil, nil
	case value[0] == '"':
		text = jsonrpc.UnquoteString(value)
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || strings.ContainsAny(text, "xXpP_iI") {
		return nil, errAnswer
	}
	life := time.Duration(min(max(0, seconds), maxLife.Seconds())) * time.Second
	return &life, nil
}

// firstNumber returns the first of several numbers, in digits.
func firstNumber(value []byte) string {
	var numbers []uint32
	if json.Unmarshal(value, &numbers) != nil || len(numbers) == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(numbers[0]), 10)
}
