// Package page makes one HTML document of a page and the files it loads.
package page

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// A Use is what a browser would do with a file or an address.
type Use int

// The uses, by the lists of origins that allow them.
const (
	Resource Use = iota // a script, a style sheet, an image, a font, a sound or a video
	Frame               // a document in a frame
)

// MaxSize bounds a document, with all that is inlined.
const MaxSize = 2 << 20

// Inline returns the named file of fsys with the files that it loads in it. The
// function allowed reports whether the document may load from a remote address.
// The error names the file and the line of each fault.
func Inline(fsys fs.FS, name string, allowed func(address string, use Use) bool) (string, error) {
	b := &builder{fsys: fsys, allowed: allowed}
	source, err := b.read(name)
	if err != nil {
		return "", err
	}
	b.document(source, name)
	if len(b.faults) > 0 {
		return "", errors.Join(b.faults...)
	}
	if b.out.Len() > MaxSize {
		return "", b.tooLarge(name)
	}
	return b.out.String(), nil
}

// A builder writes a document.
type builder struct {
	fsys    fs.FS
	allowed func(string, Use) bool

	out      strings.Builder
	deferred []string // scripts for the end of the body
	faults   []error
	largest  struct {
		name string
		size int
	}
}

// maxFaults bounds how many faults are reported at once.
const maxFaults = 20

func (b *builder) fault(name string, line int, format string, args ...any) {
	if len(b.faults) < maxFaults {
		b.faults = append(b.faults, fmt.Errorf("%s:%d: %w", name, line, fmt.Errorf(format, args...)))
	}
}

func (b *builder) tooLarge(name string) error {
	err := fmt.Errorf("%s: the document has %d bytes with everything in it and may have %d", name, b.out.Len(), MaxSize)
	if b.largest.name != "" {
		err = fmt.Errorf("%w: %s has %d of them", err, b.largest.name, b.largest.size)
	}
	return err
}

// read returns a file as text, without a byte order mark and with the line ends
// of HTML, so that a checkout on Windows makes the same document.
func (b *builder) read(name string) (string, error) {
	data, err := b.readFile(name)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(data) {
		return "", fmt.Errorf("%s: it is not UTF-8", name)
	}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", fmt.Errorf("%s:%d: it has a NUL character", name, 1+strings.Count(text[:i], "\n"))
	}
	return text, nil
}

func (b *builder) readFile(name string) ([]byte, error) {
	f, err := b.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(data) > MaxSize:
		return nil, fmt.Errorf("%s: it is larger than %d bytes, which a document may have", name, MaxSize)
	}
	if len(data) > b.largest.size {
		b.largest.name, b.largest.size = name, len(data)
	}
	return data, nil
}
