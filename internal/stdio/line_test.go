package stdio_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/stdio"
	"github.com/mcpengine/mcpengine/mcp"
)

// answers serves the whole input and returns the lines of output, sorted.
func answers(t *testing.T, in io.Reader, config stdio.Config) []string {
	t.Helper()
	var out bytes.Buffer
	if err := stdio.Serve(t.Context(), newFake(), in, &out, config); err != nil {
		t.Errorf("Serve: %v", err)
	}
	lines := strings.SplitAfter(out.String(), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	for i, line := range lines {
		text, ok := strings.CutSuffix(line, "\n")
		if !ok {
			t.Errorf("the output ends in half a line: %q", line)
		}
		lines[i] = text
	}
	slices.Sort(lines)
	return lines
}

func TestLines(t *testing.T) {
	one, two := request("1", "echo"), request("2", "echo")
	ones, both := []string{result("1", "{}")}, []string{result("1", "{}"), result("2", "{}")}
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"no input", "", []string{}},
		{"empty lines", "\n\n\r\n\n", []string{}},
		{"one line", one + "\n", ones},
		{"two lines", one + "\n" + two + "\n", both},
		{"CRLF", one + "\r\n" + two + "\r\n", both},
		{"CRLF and LF", one + "\r\n" + two + "\n", both},
		{"empty lines between", "\n\n" + one + "\n\r\n\n" + two + "\n\n", both},
		{"no newline at the end", one + "\n" + two, both},
		{"carriage return at the end", one + "\n" + two + "\r", both},
		{"lone carriage return", one + "\n\r", ones},
		{"white space around", " \t" + one + "\t \n", ones},
		{"garbage between", one + "\n{\"jsonrpc\n" + two + "\n", append([]string{
			failure("", mcp.CodeParseError, `parse error: unexpected end of text, want '"' at byte 9`),
		}, both...)},
		{"two messages in a line", one + one + "\n" + two + "\n", append([]string{
			failure("", mcp.CodeParseError, "parse error: text goes on after the value at byte 40"),
		}, both[1])},
		{"carriage return ends no line", one + "\r" + two + "\n", []string{
			failure("", mcp.CodeParseError, "parse error: text goes on after the value at byte 41"),
		}},
		{"a message over two lines", "{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"echo\"}\n", []string{
			failure("", mcp.CodeParseError, "parse error: unexpected end of text, want a name at byte 17"),
			failure("", mcp.CodeParseError, "parse error: text goes on after the value at byte 4"),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			slices.Sort(test.want)
			for how, in := range map[string]io.Reader{
				"at once":      strings.NewReader(test.in),
				"byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
				"with the end": iotest.DataErrReader(strings.NewReader(test.in)),
			} {
				if diff := cmp.Diff(test.want, answers(t, in, stdio.Config{})); diff != "" {
					t.Errorf("read %s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// sized returns a request of exactly n bytes and its answer.
func sized(id string, n int) (line, answer string) {
	const head, tail = `{"jsonrpc":"2.0","id":`, `,"method":"size","params":{"pad":"`
	pad := n - len(head) - len(id) - len(tail) - len(`"}}`)
	line = head + id + tail + strings.Repeat("x", pad) + `"}}`
	return line, result(id, strconv.Itoa(pad+len(`{"pad":""}`)))
}

func TestLongLines(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		name        string
		limit, size int
		ok          bool
	}{
		{"far below the limit", 1000, 200, true},
		{"limit - 1", 1000, 999, true},
		{"limit", 1000, 1000, true},
		{"limit + 1", 1000, 1001, false},
		{"limit + 2", 1000, 1002, false},
		{"limit + 3", 1000, 1003, false},
		{"one read buffer", mib, 64 << 10, true},
		{"one byte less, so that the end is cut", mib, 64<<10 - 1, true},
		{"one byte more", mib, 64<<10 + 1, true},
		{"limit of one read buffer", 64 << 10, 64 << 10, true},
		{"limit of one read buffer + 1", 64 << 10, 64<<10 + 1, false},
		{"default limit - 1", 0, 4*mib - 1, true},
		{"default limit", 0, 4 * mib, true},
		{"default limit + 1", 0, 4*mib + 1, false},
		{"10 MiB", 0, 10 * mib, false},
		{"10 MiB allowed", 16 * mib, 10 * mib, true},
		{"largest limit", math.MaxInt, 100_000, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			line, want := sized("1", test.size)
			if len(line) != test.size {
				t.Fatalf("the request has %d bytes, want %d", len(line), test.size)
			}
			if !test.ok {
				limit := test.limit
				if limit == 0 {
					limit = 4 * mib
				}
				want = failure("", mcp.CodeInvalidRequest, fmt.Sprintf("the message is longer than %d bytes", limit))
			}
			next := request("2", "echo") // the line after a long one is read whole
			for _, in := range []string{line + "\n" + next, line + "\r\n" + next + "\n", next + "\n" + line, next + "\n" + line + "\n"} {
				got := answers(t, strings.NewReader(in), stdio.Config{MaxMessage: test.limit})
				wants := []string{want, result("2", "{}")}
				slices.Sort(wants)
				if !slices.Equal(got, wants) {
					t.Errorf("answers = %.200q, want %q", got, wants)
				}
			}
		})
	}
}

// A line that is too long takes no more memory than any other.
func TestLongLineIsNotKept(t *testing.T) {
	const size = 64 << 20
	in := io.LimitReader(letters{}, size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := answers(t, in, stdio.Config{MaxMessage: 1 << 20})
	runtime.ReadMemStats(&after)
	want := failure("", mcp.CodeInvalidRequest, "the message is longer than 1048576 bytes")
	if len(got) != 1 || got[0] != want {
		t.Errorf("answers = %.200q, want %q", got, want)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes were allocated for a line of %d", used, size)
	}
}

// letters is an input without a newline.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
