package page

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// A reference is a place in a file that holds an address.
type reference struct {
	file string // relative addresses are relative to it
	line int
}

// mediaTypes are the types of the files that are inlined as data: addresses.
// The table is fixed, so that a document is the same wherever it is built.
var mediaTypes = map[string]string{
	".avif": "image/avif", ".gif": "image/gif", ".ico": "image/x-icon", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
	".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp",
	".otf": "font/otf", ".ttf": "font/ttf", ".woff": "font/woff", ".woff2": "font/woff2",
	".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".ogg": "audio/ogg", ".opus": "audio/ogg",
	".vtt": "text/vtt", ".wav": "audio/wav", ".webm": "video/webm",
}

// An address is where something is loaded from, seen from a file.
type address struct {
	file     string // of fsys, or ""
	fragment string // of the file, with its "#"
	keep     bool   // there is nothing to inline
}

// resolve says what an address is: a file, or something that stays as it is. It
// refuses the addresses that would not work in a view.
func (b *builder) resolve(ref reference, text string, use Use) (address, error) {
	text = strings.Trim(text, " \t\n\f\r")
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return address{}, fmt.Errorf("%q is not a URL", text)
	case text == "":
		return address{}, errors.New("the address is empty")
	case strings.HasPrefix(text, "#"):
		return address{keep: true}, nil
	case u.Scheme == "data" || u.Scheme == "blob":
		return address{keep: true}, nil
	case u.Scheme == "http" || u.Scheme == "https":
		if b.allowed(text, use) {
			return address{keep: true}, nil
		}
		return address{}, fmt.Errorf("%s is not covered by the CSP: add its origin to %s, or serve the file from here", text, listOf(use))
	case u.Scheme != "":
		return address{}, fmt.Errorf("%q cannot be inlined", text)
	case u.Host != "" || strings.HasPrefix(text, "//"):
		return address{}, fmt.Errorf("%q has no scheme, and a view has none that it could inherit: write https", text)
	case u.Path == "":
		return address{}, fmt.Errorf("%q names no file", text)
	}
	name := strings.TrimPrefix(u.Path, "/")
	if !strings.HasPrefix(u.Path, "/") {
		name = path.Join(path.Dir(ref.file), u.Path)
	}
	a := address{file: path.Clean(name)}
	if !fs.ValidPath(a.file) || a.file == "." {
		return address{}, fmt.Errorf("%q leads out of the files of the view", text)
	}
	if u.Fragment != "" {
		a.fragment = "#" + u.EscapedFragment()
	}
	return a, nil
}

func listOf(use Use) string {
	if use == Frame {
		return "FrameDomains"
	}
	return "ResourceDomains"
}

// data returns an address as it stands in the document: a file becomes a data:
// address. On a fault it returns the text as it is.
func (b *builder) data(ref reference, text string) string {
	inlined, err := b.dataOf(ref, text)
	if err != nil {
		b.fault(ref.file, ref.line, "%w", err)
		return text
	}
	return inlined
}

func (b *builder) dataOf(ref reference, text string) (string, error) {
	a, err := b.resolve(ref, text, Resource)
	if err != nil || a.keep {
		return text, err
	}
	mediaType, ok := mediaTypes[strings.ToLower(path.Ext(a.file))]
	if !ok {
		return text, fmt.Errorf("%s cannot be inlined: the type of a file %q is not known", text, path.Ext(a.file))
	}
	content, err := b.readFile(a.file)
	if err != nil {
		return text, err
	}
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(content) + a.fragment, nil
}
