package mcpengine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/*.txtar")

// TestTranscripts plays testdata/*.txtar. A file opens with a sentence on what
// it proves; each section is a conversation with a new engine:
//
//	# a remark
//	-> method {params}     a request; the runner adds jsonrpc, id and _meta
//	-> {…}                 a message sent as it stands
//	<- {…}                 what came back, notifications first
//	!! level=ERROR …       what the server logged in the meantime
//
// Params that have a _meta of their own keep it; the runner's declares every
// capability. In answers the _meta that
// names the server is written {…}, and tokens that nobody can foresee are
// written $state and $cursor, then $state2 and so on; a later request may use
// them. The engine is the one in fixtures named like the file up to a dash.
//
// Every section is played over HTTP and over stdio: the messages are the same.
// A build without the handshake versions is to answer the same but for the list of
// versions; it does not update the files.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in testdata: %v", err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(base, "-")
			newEngine, ok := fixtures[name]
			if !ok {
				t.Fatalf("there is no fixture %q", name)
			}
			testTranscript(t, file, newEngine)
		})
	}
}

func testTranscript(t *testing.T, file string, newEngine fixture) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(archive.Comment), "\n"); !strings.HasSuffix(first, ".") {
		t.Errorf("%s opens with %q, want a sentence on what it proves", file, first)
	}
	for i, section := range archive.Files {
		section.Data = []byte(inThisBuild.Replace(string(section.Data)))
		t.Run(section.Name, func(t *testing.T) {
			var overHTTP, overStdio player
			httpEngine := newEngine(overHTTP.options()...)
			got := overHTTP.play(t, section.Data, func(message string) []string {
				return post(t, httpEngine, message).messages
			})
			if *update {
				archive.Files[i].Data = got
			} else if diff := cmp.Diff(string(section.Data), string(got)); diff != "" {
				t.Errorf("answers differ (-want +got):\n%s", diff)
			}
			stdioEngine := newEngine(overStdio.options()...)
			if diff := cmp.Diff(string(got), string(overStdio.play(t, section.Data, serveStdio(t, stdioEngine)))); diff != "" {
				t.Errorf("stdio differs from HTTP (-http +stdio):\n%s", diff)
			}
		})
	}
	if *update && servesHandshake {
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A player plays one section of a transcript.
type player struct {
	lastID int
	tokens map[string]string // by placeholder
	log    recorder
	out    bytes.Buffer
}

// options make an engine whose answers do not depend on where it runs.
func (p *player) options() []mcpengine.Option {
	return []mcpengine.Option{
		mcpengine.WithImplementation(mcp.Implementation{Version: "1"}),
		mcpengine.WithKeys(bytes.Repeat([]byte{1}, 32)),
		mcpengine.WithLogger(p.log.logger()),
	}
}

// play sends the requests of the script and returns it with what came back.
func (p *player) play(t *testing.T, script []byte, send func(message string) []string) []byte {
	t.Helper()
	p.tokens = map[string]string{}
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSuffix(line, "\n")
		request, ok := strings.CutPrefix(line, "-> ")
		switch {
		case ok:
			fmt.Fprintln(&p.out, line)
			for _, answer := range send(p.message(t, request)) {
				fmt.Fprintln(&p.out, "<- "+p.abbreviate(answer))
			}
			for logged := range strings.Lines(p.log.take()) {
				// The JSON library words its errors in two ways at random, so
				// that nobody relies on either.
				fmt.Fprint(&p.out, "!! "+strings.ReplaceAll(logged, "json: unable to ", "json: cannot "))
			}
		case line == "" || strings.HasPrefix(line, "#"):
			fmt.Fprintln(&p.out, line)
		case !strings.HasPrefix(line, "<- ") && !strings.HasPrefix(line, "!! "):
			t.Fatalf("line %q is no remark, request, answer or log line", line)
		}
	}
	return p.out.Bytes()
}

// defaultMeta declares all there is to declare.
const defaultMeta = `{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
	`"io.modelcontextprotocol/clientInfo":{"name":"transcript","version":"1"},` +
	`"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{},"context":{}},"roots":{},"extensions":{"com.example/notes":{}}}}`

// message returns the message that a line of a transcript stands for.
func (p *player) message(t *testing.T, request string) string {
	t.Helper()
	request = placeholder.ReplaceAllStringFunc(request, func(name string) string {
		token, ok := p.tokens[name]
		if !ok {
			t.Fatalf("%s has not come up before %q", name, request)
		}
		return token
	})
	if strings.HasPrefix(request, "{") {
		return request
	}
	p.lastID++
	method, params, _ := strings.Cut(request, " ")
	if params == "" {
		params = "{}"
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(params), &members); err != nil {
		t.Fatalf("params of %q: %v", request, err)
	}
	if members["_meta"] == nil {
		meta := `"_meta":` + defaultMeta + `}`
		if len(members) > 0 {
			meta = "," + meta
		}
		params = strings.TrimSuffix(params, "}") + meta
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, p.lastID, method, params)
}

var (
	placeholder = regexp.MustCompile(`\$(state|cursor)[0-9]*`)
	token       = regexp.MustCompile(`"(requestState|nextCursor)":"([^"]*)"`)
	serverMeta  = `"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"fixture","version":"1"}}`
)

// abbreviate shortens an answer and replaces its tokens by placeholders.
func (p *player) abbreviate(answer string) string {
	answer = strings.ReplaceAll(answer, serverMeta, `"_meta":{…}`)
	return token.ReplaceAllStringFunc(answer, func(match string) string {
		parts := token.FindStringSubmatch(match)
		name := map[string]string{"requestState": "$state", "nextCursor": "$cursor"}[parts[1]]
		numbered := name
		for n := 2; p.tokens[numbered] != ""; n++ {
			numbered = fmt.Sprintf("%s%d", name, n)
		}
		p.tokens[numbered] = parts[2]
		return fmt.Sprintf("%q:%q", parts[1], numbered)
	})
}

// A recorder keeps what an engine logs, without times and stacks.
type recorder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *recorder) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "stack" {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

// take returns what was logged since it was called last.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	logged := r.buf.String()
	r.buf.Reset()
	return logged
}
