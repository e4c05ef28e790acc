package inspector

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"net/http"
	"strconv"
	"strings"

	"github.com/mcpengine/mcpengine/mcp"
)

// test returns the source of a test that plays what was recorded.
func (r *recorder) test(pkg, server string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b testWriter
	var steps, left testWriter
	for _, s := range r.steps {
		steps.step(s, &left)
	}
	if steps.Len() == 0 {
		return nil, refuse(http.StatusConflict, "nothing has been recorded: switch recording on, call something, and switch it off")
	}
	answers := make(map[string][]answer)
	for _, a := range r.answers {
		answers[a.kind] = append(answers[a.kind], a.answer)
	}
	asks := len(answers) > 0
	b.printf("package %s\n\nimport (\n", pkg)
	if asks {
		b.printf("\"context\"\n")
	}
	b.printf("%s", testImports)
	handlers := ""
	if asks {
		b.answers(answers)
		handlers = ", client.WithHandlers(handlers)"
	}
	b.printf("c := mcptest.New(%s, client.WithProtocolVersion(%q)%s)\ndefer c.Close()\n", server, r.version, handlers)
	b.printf("%sfor _, step := range []struct {\n", left.String())
	b.printf("name, method, params string\nwant string // the result\ncode int // of the error, in its place\n} {\n%s}", steps.String())
	b.printf("%s", testLoop)
	text, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("write the test: %w", err)
	}
	return text, nil
}

const testImports = `"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// The server answers a recorded session as it did when the session was recorded.
func TestSession(t *testing.T) {
`

const testLoop = ` {
		got, err := client.Do[map[string]any](t.Context(), c, step.method, json.RawMessage(step.params))
		if step.want == "" {
			if refused, ok := errors.AsType[*mcp.Error](err); !ok || refused.Code != step.code {
				t.Errorf("%s: %v, want the error code %d", step.name, err, step.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", step.name, err)
			continue
		}
		for _, name := range []string{"_meta", "nextCursor"} { // they differ in each run
			delete(got, name)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(step.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, want %v", step.name, got, want)
		}
	}
}
`

// A testWriter writes parts of a test.
type testWriter struct{ bytes.Buffer }

func (w *testWriter) printf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// step writes a step, or says in left why it is left out.
func (w *testWriter) step(s step, left *testWriter) {
	name := s.method
	if subject := cmp.Or(member(s.params, "name"), member(s.params, "uri")); subject != "" {
		name += " " + subject
	}
	refused, answered := errors.AsType[*mcp.Error](s.err)
	switch {
	case strings.HasPrefix(s.method, "tasks/"):
		left.printf("// Left out: %s, because the id of a task is another one in each run.\n", comment(name))
		return
	case s.err != nil && !answered:
		left.printf("// Left out: %s, because it had no answer.\n", comment(name))
		return
	}
	w.printf("{\nname: %q, method: %q,\nparams: %s,\n", name, s.method, literal(string(compact(s.params))))
	if answered {
		w.printf("code: %d,\n},\n", refused.Code)
		return
	}
	w.printf("want: %s,\n},\n", literal(string(lasting(s.result))))
}

// answers writes the handlers that give the recorded answers in their order.
func (w *testWriter) answers(all map[string][]answer) {
	queue := func(kind, name, element string, text func(answer) string) {
		if len(all[kind]) == 0 {
			return
		}
		w.printf("%s := []%s{\n", name, element)
		for _, a := range all[kind] {
			w.printf("%s,\n", text(a))
		}
		w.printf("}\n")
	}
	queue("form", "forms", "mcp.ElicitResult", func(a answer) string {
		if a.Content == nil {
			return fmt.Sprintf("{Action: %q}", a.Action)
		}
		return fmt.Sprintf("{Action: %q, Content: json.RawMessage(%s)}", a.Action, literal(string(compact(a.Content))))
	})
	queue("url", "pages", "mcp.ElicitAction", func(a answer) string { return strconv.Quote(string(a.Action)) })
	content := func(a answer) string {
		if a.Action != mcp.ElicitActionAccept {
			return `""`
		}
		return literal(string(compact(a.Content)))
	}
	queue("sampling", "messages", "string", content)
	queue("roots", "roots", "string", content)
	w.printf("handlers := client.Handlers{\n")
	for _, kind := range []string{"form", "url", "sampling", "roots"} {
		if len(all[kind]) > 0 {
			w.printf("%s", testHandlers[kind])
		}
	}
	w.printf("}\n")
}

// testHandlers are the handlers of a test, by the kind of question.
var testHandlers = map[string]string{
	"form": `ElicitForm: func(context.Context, mcp.ElicitRequestFormParams) (answer mcp.ElicitResult, err error) {
			if len(forms) == 0 {
				return answer, errors.New("the session has no answer to this form")
			}
			answer, forms = forms[0], forms[1:]
			return answer, nil
		},
`,
	"url": `ElicitURL: func(context.Context, mcp.ElicitRequestURLParams) (answer mcp.ElicitResult, err error) {
			if len(pages) == 0 {
				return answer, errors.New("the session has no answer to this URL")
			}
			answer.Action, pages = pages[0], pages[1:]
			return answer, nil
		},
`,
	"sampling": `CreateMessage: func(context.Context, mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			if len(messages) == 0 || messages[0] == "" {
				return nil, errors.New("the session has no answer to this sampling request")
			}
			answer := new(mcp.CreateMessageResult)
			err := json.Unmarshal([]byte(messages[0]), answer)
			messages = messages[1:]
			return answer, err
		},
`,
	"roots": `ListRoots: func(context.Context) ([]mcp.Root, error) {
			if len(roots) == 0 || roots[0] == "" {
				return nil, errors.New("the session has no answer to roots/list")
			}
			var answer mcp.ListRootsResult
			err := json.Unmarshal([]byte(roots[0]), &answer)
			roots = roots[1:]
			return answer.Roots, err
		},
`,
}

// comment returns text on one line.
func comment(text string) string { return strings.Join(strings.Fields(text), " ") }

// lasting returns a result without the members that differ in each run.
func lasting(result json.RawMessage) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(result, &members) != nil {
		return compact(result)
	}
	delete(members, "_meta")
	delete(members, "nextCursor")
	text, err := json.Marshal(members)
	if err != nil {
		return compact(result)
	}
	return text
}

// literal returns a string as Go writes it.
func literal(text string) string {
	if strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}
