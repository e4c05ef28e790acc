// Package format holds the format of skills: names, paths, digests, bounds and the
// frontmatter of a SKILL.md.
package format

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// The extension and its methods.
const (
	ID                  = "io.modelcontextprotocol/skills"
	MethodList          = "skills/list"
	MethodGet           = "skills/get"
	MethodDirectoryRead = "resources/directory/read"
)

// Bounds of one skill (skills, "Limits").
const (
	MaxFiles = 512
	MaxBytes = 16 << 20
)

// FileName is the name of the file that makes a folder a skill.
const FileName = "SKILL.md"

// CheckName reports why a text cannot be the name of a skill (Agent Skills,
// "name field").
func CheckName(s string) error {
	switch {
	case s == "":
		return errors.New("the name is empty")
	case len(s) > 64:
		return fmt.Errorf("the name has %d characters: 64 are allowed", utf8.RuneCountInString(s))
	case strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "", strings.HasPrefix(s, "-"), strings.HasSuffix(s, "-"), strings.Contains(s, "--"):
		return fmt.Errorf("the name %.64q is not lower-case letters a to z, digits and single hyphens between them", s)
	}
	return nil
}

// FilePath returns the path in a URI, its authority included, with escapes
// decoded: "acme/refunds/SKILL.md" for skill://acme/refunds/SKILL.md. A path
// that leads elsewhere for some readers is an error: one with an empty segment,
// "." or "..", a slash, backslash or control character behind an escape, a query
// or a fragment.
func FilePath(uri string) (string, error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme == "" {
		return "", fmt.Errorf("the URI %.128q has no scheme and \"://\"", uri)
	}
	if strings.ContainsAny(rest, "?#") {
		return "", fmt.Errorf("the URI %.128q has a query or a fragment", uri)
	}
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil || CheckSegment(decoded) != nil {
			return "", fmt.Errorf("the URI %.128q has the segment %.64q, which cannot name a file", uri, s)
		}
		segments[i] = decoded
	}
	return strings.Join(segments, "/"), nil
}

// CheckSegment reports why a text cannot be the name of a file or folder.
func CheckSegment(s string) error {
	switch {
	case s == "" || s == "." || s == "..":
		return fmt.Errorf("%q does not name a file", s)
	case !utf8.ValidString(s):
		return errors.New("the name is not UTF-8")
	}
	for _, c := range s {
		if c < ' ' || 0x7f <= c && c < 0xa0 || c == '/' || c == '\\' {
			return fmt.Errorf("the name holds the character %q", c)
		}
	}
	return nil
}

// URI returns the URI of a path, all of whose segments pass [CheckSegment].
func URI(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	return "skill://" + strings.Join(segments, "/")
}

// escape escapes all but unreserved characters, so that a segment has one
// spelling and can stand where the host would.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// IsDigest reports whether a text has the form of a digest.
func IsDigest(s string) bool {
	digits, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(digits) == 64 && strings.Trim(digits, "0123456789abcdef") == ""
}

// Digest returns the digest of content.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
