package broker

import (
	"encoding/base64"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
)

// maxName bounds the name of a client or a server, in characters.
const maxName = 60

// plain returns a text of a stranger as one line of visible characters: no control
// characters, and no marks that change the direction of text or are not seen.
func plain(text string, size int) string {
	var b strings.Builder
	n := 0
	for _, c := range strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ") {
		if unicode.In(c, unicode.C, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Mn, c) && stacked(b.String()) {
			continue
		}
		if n++; n > size {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(c)
	}
	return strings.TrimSpace(b.String())
}

// stacked reports whether a text ends with two combining marks: more of them draw
// over the lines above.
func stacked(text string) bool {
	marks := 0
	for _, c := range slices.Backward([]rune(text)) {
		if !unicode.Is(unicode.Mn, c) {
			break
		}
		marks++
	}
	return marks >= 2
}

// isPrintable reports whether a parameter is of printable ASCII (RFC 6749,
// appendix A) and no longer than size.
func isPrintable(s string, size int) bool {
	return len(s) <= size && strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) < 0
}

// isCleanPath reports whether a path has no part that is left out or goes up.
func isCleanPath(p string) bool {
	clean := path.Clean(p)
	return clean != "/" && clean == p && strings.IndexFunc(p, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`"<>\^{|}?#%`+"`", c)
	}) < 0
}

// dataURI returns a picture as a data URI, and "" for anything else. SVG is refused,
// because it can hold more than a picture.
func dataURI(picture []byte) string {
	if len(picture) == 0 || len(picture) > maxLogoBytes {
		return ""
	}
	switch kind := http.DetectContentType(picture); kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(picture)
	}
	return ""
}
