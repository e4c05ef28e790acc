package infer

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// The forms of the values of some types and formats. A schema at best names
// them, and many clients do not check them. Validation does, so that the error
// says which form is wanted.
var (
	formDateTime   = &schema.Form{Valid: isDateTime, Wanted: "a date and time such as 2026-01-31T15:04:05Z"}
	formDate       = &schema.Form{Valid: layout(time.DateOnly), Wanted: "a date such as 2026-01-31"}
	formTime       = &schema.Form{Valid: layout("15:04:05.999999999Z07:00"), Wanted: "a time such as 15:04:05Z or 15:04:05+02:00"}
	formDuration   = &schema.Form{Valid: isDuration, Wanted: "a duration such as PT1H30M or P3D"}
	formEmail      = &schema.Form{Valid: isEmail, Wanted: "an email address such as ann@example.com"}
	formURI        = &schema.Form{Valid: isURI, Wanted: "an absolute URI such as https://example.com/path"}
	formUUID       = &schema.Form{Valid: isUUID, Wanted: "a UUID such as 123e4567-e89b-12d3-a456-426614174000"}
	formIPv4       = &schema.Form{Valid: isIPv4, Wanted: "an IPv4 address such as 192.0.2.1"}
	formIPv6       = &schema.Form{Valid: isIPv6, Wanted: "an IPv6 address such as 2001:db8::1"}
	formAddr       = &schema.Form{Valid: parses(netip.ParseAddr), Wanted: "an IP address such as 192.0.2.1 or 2001:db8::1"}
	formIP         = &schema.Form{Valid: isIP, Wanted: formAddr.Wanted}
	formPrefix     = &schema.Form{Valid: parses(netip.ParsePrefix), Wanted: "an IP network such as 192.0.2.0/24 or 2001:db8::/32"}
	formAddrPort   = &schema.Form{Valid: parses(netip.ParseAddrPort), Wanted: "an IP address and a port such as 192.0.2.1:80 or [2001:db8::1]:80"}
	formGoDuration = &schema.Form{Valid: isGoDuration, Wanted: "a duration such as 300ms, 5s or 1h30m"}
	formBase64     = &schema.Form{Valid: isBase64, Wanted: "base64 such as aGVsbG8="}
	formInt64      = &schema.Form{Valid: isInt64, Wanted: "an integer from -9223372036854775808 to 9223372036854775807"}
	formUint64     = &schema.Form{Valid: isUint64, Wanted: "an integer from 0 to 18446744073709551615"}
)

// textForms are the types with text methods whose text has a known form.
var textForms = map[reflect.Type]*schema.Form{
	reflect.TypeFor[time.Time]():      formDateTime,
	reflect.TypeFor[netip.Addr]():     formAddr,
	reflect.TypeFor[netip.Prefix]():   formPrefix,
	reflect.TypeFor[netip.AddrPort](): formAddrPort,
	reflect.TypeFor[net.IP]():         formIP,
}

// bigForms describe the numbers of package math/big. They go by name, because a
// mention of the types would link their methods.
var bigForms = map[string]string{
	"Int":   "an integer such as 12345678901234567890",
	"Float": "a number in a string such as \"1.5\"",
	"Rat":   "a number in a string such as \"3/4\" or \"0.75\"",
}

func isBigInt(t reflect.Type) bool { return t.PkgPath() == "math/big" && t.Name() == "Int" }

// Wanted describes the JSON of a value of t, to complete "must be". It is empty
// for types that a schema describes well enough, and for unknown forms.
func Wanted(t reflect.Type) string {
	if t == nil {
		return ""
	}
	if form := textForms[t]; form != nil {
		return form.Wanted
	}
	if t.PkgPath() == "math/big" {
		return bigForms[t.Name()]
	}
	if in := new(inferrer); in.isJSON(t) || in.isText(t) {
		return ""
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return formBase64.Wanted
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := int64(math.MaxInt64) >> (64 - t.Bits())
		return fmt.Sprintf("an integer from %d to %d", -most-1, most)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fmt.Sprintf("an integer from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	case reflect.Float32:
		return fmt.Sprintf("a number from %g to %g", -math.MaxFloat32, math.MaxFloat32)
	case reflect.Float64:
		return fmt.Sprintf("a number from %g to %g", -math.MaxFloat64, math.MaxFloat64)
	}
	return ""
}

// formats are the values of the tag format: those that JSON Schema defines
// (Validation 2020-12, section 7.3). Those without a form are not checked.
var formats = map[string]*schema.Form{
	"date-time": formDateTime, "date": formDate, "time": formTime, "duration": formDuration,
	"email": formEmail, "uri": formURI, "uuid": formUUID, "ipv4": formIPv4, "ipv6": formIPv6,
	"idn-email": nil, "hostname": nil, "idn-hostname": nil, "uri-reference": nil, "iri": nil, "iri-reference": nil,
	"uri-template": nil, "json-pointer": nil, "relative-json-pointer": nil, "regex": nil,
}

// WantedFormat describes the values of a format, to complete "must be".
func WantedFormat(format string) string {
	if format == "go-duration" {
		return formGoDuration.Wanted
	}
	if form := formats[format]; form != nil {
		return form.Wanted
	}
	return "text in the format " + format
}

// pathFormats mark the settings that name a file or a folder, under the names that
// Pydantic gives them.
var pathFormats = []string{"file-path", "directory-path"}

// isDateTime accepts what time.Time decodes.
func isDateTime(s []byte) bool {
	var t time.Time
	return t.UnmarshalText(s) == nil
}

// layout returns a check for what package time parses.
func layout(layout string) func([]byte) bool {
	return func(s []byte) bool {
		_, err := time.Parse(layout, string(s))
		return err == nil
	}
}

func parses[T any](parse func(string) (T, error)) func([]byte) bool {
	return func(s []byte) bool {
		_, err := parse(string(s))
		return len(s) == 0 || err == nil // an empty string decodes as the zero value
	}
}

// isIP accepts what net.IP decodes.
func isIP(s []byte) bool { return len(s) == 0 || net.ParseIP(string(s)) != nil }

func isIPv4(s []byte) bool {
	a, err := netip.ParseAddr(string(s))
	return err == nil && a.Is4()
}

func isIPv6(s []byte) bool {
	a, err := netip.ParseAddr(string(s))
	return err == nil && a.Is6() && a.Zone() == ""
}

// isDuration accepts the durations of RFC 3339, appendix A.
func isDuration(text []byte) bool {
	s, ok := strings.CutPrefix(string(text), "P")
	date, clock, timed := strings.Cut(s, "T")
	if weeks, isWeeks := strings.CutSuffix(s, "W"); isWeeks {
		return ok && isDigits(weeks)
	}
	return ok && s != "" && units(date, "YMD") && (!timed || clock != "" && units(clock, "HMS"))
}

func isGoDuration(s []byte) bool {
	_, err := time.ParseDuration(string(s))
	return err == nil
}

// units reports whether s consists of numbers with the given units, in their
// order and without a gap.
func units(s, names string) bool {
	begun := false
	for ; s != ""; begun = true {
		i := strings.IndexAny(s, names)
		if i < 0 || !isDigits(s[:i]) {
			return false
		}
		at := strings.IndexByte(names, s[i])
		if begun && at != 0 {
			return false
		}
		names, s = names[at+1:], s[i+1:]
	}
	return true
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isEmail(text []byte) bool {
	s := string(text)
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(s, " \t\r\n<>(),;:") && !strings.Contains(domain, "@") &&
		!strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}

func isURI(s []byte) bool {
	scheme, rest, ok := strings.Cut(string(s), ":")
	return ok && rest != "" && isScheme(scheme) && !strings.ContainsFunc(rest, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"{}|\\^`", r)
	})
}

func isScheme(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return s != "" && strings.IndexByte(letters, s[0]) >= 0 && strings.Trim(s, letters+"0123456789+-.") == ""
}

func isUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && strings.IndexByte("0123456789abcdefABCDEF", s[i]) < 0 {
			return false
		}
	}
	return true
}

// isBase64 accepts what encoding/json decodes into bytes.
func isBase64(s []byte) bool {
	digits, padding := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\r' || c == '\n':
		case c == '=':
			padding++
		case padding > 0:
			return false
		case c == '+' || c == '/' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			digits++
		default:
			return false
		}
	}
	return padding <= 2 && (digits+padding)%4 == 0
}

func isInt64(s []byte) bool {
	if len(s) < 19 && !bytes.ContainsAny(s, "eE") {
		return true
	}
	_, err := strconv.ParseInt(integerOf(string(s)), 10, 64)
	return err == nil
}

func isUint64(s []byte) bool {
	if len(s) < 19 && !bytes.ContainsAny(s, "eE") {
		return true // a negative number is below the minimum
	}
	_, err := strconv.ParseUint(integerOf(string(s)), 10, 64)
	return err == nil
}

// integerOf returns the digits of an integer, which JSON may write as 1.0 or 1e3.
// Of a number with a huge exponent it returns enough digits to be out of range.
func integerOf(s string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift, err := strconv.Atoi(exponent)
	switch {
	case exponent == "":
		return whole // an integer: the fraction is zero
	case err != nil || shift > 40 || shift < -len(whole):
		shift = 40
		if strings.HasPrefix(exponent, "-") || strings.Trim(mantissa, "-0.") == "" {
			return "0"
		}
	case shift < 0:
		return whole[:len(whole)+shift]
	}
	for range shift {
		digit := "0"
		if fraction != "" {
			digit, fraction = fraction[:1], fraction[1:]
		}
		whole += digit
	}
	return whole
}
