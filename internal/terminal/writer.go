package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Trusted is text of the program itself, which [Writer.Printf] does not escape.
// Nothing that came from elsewhere may be converted to it.
type Trusted string

// A Writer writes to a terminal, or to whatever stands in its place. It is not
// an [io.Writer], so that text cannot reach the terminal without being escaped.
type Writer struct {
	w io.Writer

	mu  sync.Mutex
	err error
}

// New returns a writer to w.
func New(w io.Writer) *Writer { return &Writer{w: w} }

// Err returns the error that has ended the writing, or nil. Nothing is written
// after it.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) write(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		_, w.err = io.WriteString(w.w, s)
	}
}

// Raw returns the writer beneath, for a protocol, for a child process and for
// what the program generates for other programs.
func (w *Writer) Raw() io.Writer { return w.w }

// Printf writes the format, which is the program's own, with arguments that are
// not: each is escaped and has no line breaks. Numbers and [Trusted] pass as
// they are.
func (w *Writer) Printf(format string, args ...any) {
	w.write(Sprintf(format, args...))
}

// Sprintf is what [Writer.Printf] writes.
func Sprintf(format string, args ...any) string {
	escaped := make([]any, len(args))
	for i, arg := range args {
		escaped[i] = escapeArgument(arg)
	}
	return fmt.Sprintf(format, escaped...)
}

func escapeArgument(arg any) any {
	switch arg := arg.(type) {
	case int, int32, int64, uint64, float64, bool, Trusted:
		return arg
	case string:
		return Escape(arg)
	}
	return Escape(fmt.Sprint(arg))
}

// Block writes text of somebody else as lines of its own, all indented.
func (w *Writer) Block(s, indent string) {
	for _, line := range Lines(s) {
		w.write(strings.TrimRight(indent+line, " ") + "\n")
	}
}

// Text writes an answer: its lines are escaped and not indented, for they are
// all that is written.
func (w *Writer) Text(s string) {
	s = strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for line := range strings.SplitSeq(s, "\n") {
		cells := strings.Split(line, "\t")
		for i, cell := range cells {
			cells[i] = Escape(cell)
		}
		w.write(strings.Join(cells, "\t") + "\n")
	}
}

// Table writes rows as columns, two spaces apart.
func (w *Writer) Table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			row[i] = Fold(cell)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		w.write(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// JSON writes one document. What is not safe on a terminal is escaped, which does
// not change what the document means.
func (w *Writer) JSON(value any) error {
	text, err := JSON(value)
	if err != nil {
		return err
	}
	w.write(text)
	return w.Err()
}

// JSON returns the document that [Writer.JSON] writes.
func JSON(value any) (string, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("encode the answer: %w", err)
	}
	out := make([]byte, 0, buf.Len())
	for _, r := range buf.String() {
		switch {
		case r <= unicode.MaxASCII && r != 0x7f || safe(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return string(out), nil
}

// IsTerminal reports whether a person reads what is written to w, or writes what
// is read from it.
func IsTerminal(w any) bool {
	if own, ok := w.(*Writer); ok {
		w = own.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device too, with nobody at it
	return err != nil || !os.SameFile(info, null)
}
