package hostconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const value = `{"command":"/bin/mcpengine","args":["bridge","x"]}`

// What stands around a new entry stays as it was written, and removing the
// entry gives back the bytes.
func TestSetRemove(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, before, after string
		left                string // after removal, when it is not before
	}{
		{"nothing", "", "{\n  \"s\": {\n    \"x\": {\n      \"command\": \"/bin/mcpengine\",\n      \"args\": [\n        \"bridge\",\n        \"x\"\n      ]\n    }\n  }\n}\n", "{\n  \"s\": {}\n}\n"},
		{"a byte order mark alone", utf8BOM, utf8BOM + "{\n  \"s\": {\n    \"x\": {\n      \"command\": \"/bin/mcpengine\",\n      \"args\": [\n        \"bridge\",\n        \"x\"\n      ]\n    }\n  }\n}\n", utf8BOM + "{\n  \"s\": {}\n}\n"},
		{"no object", "{\n\t\"a\": 1\n}\n", "{\n\t\"a\": 1,\n\t\"s\": {\n\t\t\"x\": {\n\t\t\t\"command\": \"/bin/mcpengine\",\n\t\t\t\"args\": [\n\t\t\t\t\"bridge\",\n\t\t\t\t\"x\"\n\t\t\t]\n\t\t}\n\t}\n}\n", "{\n\t\"a\": 1,\n\t\"s\": {}\n}\n"},
		{"one line", `{"a":1,"s":{"b":2}}`, `{"a":1,"s":{"b":2,"x":` + value + `}}`, ""},
		{"one line, empty", `{"a":1,"s":{}}`, `{"a":1,"s":{"x":` + value + `}}`, ""},
		{"lines of Windows", "{\r\n  \"s\": {\r\n    \"b\": 2\r\n  }\r\n}\r\n", "{\r\n  \"s\": {\r\n    \"b\": 2,\r\n    \"x\": {\r\n      \"command\": \"/bin/mcpengine\",\r\n      \"args\": [\r\n        \"bridge\",\r\n        \"x\"\r\n      ]\r\n    }\r\n  }\r\n}\r\n", ""},
		{"a trailing comma and comments", "{ // a\n  \"s\": {\n    \"b\": 12345678901234567890, // b\n    // end\n  }, /* c */\n}", "{ // a\n  \"s\": {\n    \"b\": 12345678901234567890, // b\n    // end\n    \"x\": {\n      \"command\": \"/bin/mcpengine\",\n      \"args\": [\n        \"bridge\",\n        \"x\"\n      ]\n    },\n  }, /* c */\n}", ""},
		{"a comment at the end", "{\n  \"s\": {\n    \"b\": 2 // two, {\n  }\n}", "{\n  \"s\": {\n    \"b\": 2, // two, {\n    \"x\": {\n      \"command\": \"/bin/mcpengine\",\n      \"args\": [\n        \"bridge\",\n        \"x\"\n      ]\n    }\n  }\n}", ""},
		{"a comment in an empty object", "{\n  \"s\": {\n    // none\n  }\n}", "{\n  \"s\": {\n    // none\n    \"x\": {\n      \"command\": \"/bin/mcpengine\",\n      \"args\": [\n        \"bridge\",\n        \"x\"\n      ]\n    }\n  }\n}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, err := parseJSON([]byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.set([]byte(value), "s", "x"); err != nil {
				t.Fatal(err)
			}
			if got := string(d.bytes()); got != test.after {
				t.Errorf("set:\n%s\nwant:\n%s", got, test.after)
			}
			if err := d.remove("s", "x"); err != nil {
				t.Fatal(err)
			}
			want := test.left
			if want == "" {
				want = test.before
			}
			if got := string(d.bytes()); got != want {
				t.Errorf("remove: %q, want %q", got, want)
			}
		})
	}
}

// An entry is taken out with its line and one comma, and nothing else.
func TestRemove(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		`{"s":{"x":1}}`:                              `{"s":{}}`,
		`{"s":{"x":1,"a":2}}`:                        `{"s":{"a":2}}`,
		`{"s":{"a":2,"x":1}}`:                        `{"s":{"a":2}}`,
		`{"s":{"a":2,"x":1,"b":3}}`:                  `{"s":{"a":2,"b":3}}`,
		`{"s":{"a":2,"x":1,}}`:                       `{"s":{"a":2,}}`,
		`{"s":{"\u0078":1}}`:                         `{"s":{}}`,
		"{\"s\":{\n // c\n \"x\":1}}":                "{\"s\":{\n // c\n }}",
		"{\"s\":{\"a\":2, // c\n \"x\":1}}":          "{\"s\":{\"a\":2 // c\n }}",
		"{\"s\":{\"a\":2, // c\n \"x\":1, \"b\":3}}": "{\"s\":{\"a\":2, // c\n  \"b\":3}}",
		"{\"s\":{\"x\" /*1*/ : /*2*/ 1 /*3*/, }}":    "{\"s\":{}}",
		`{"s":{"y":1}}`:                              `{"s":{"y":1}}`,
		`{"t":{"x":1}}`:                              `{"t":{"x":1}}`,
	} {
		d, err := parseJSON([]byte(before))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.remove("s", "x"); err != nil {
			t.Errorf("remove from %q: %v", before, err)
		} else if got := string(d.bytes()); got != want {
			t.Errorf("remove from %q = %q, want %q", before, got, want)
		}
	}
}

// What cannot be edited safely is refused, with the place.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"{\n  \"a\" 1}":                       "line 2, column 7",
		"[]":                                  "line 1, column 1: the file is not a JSON object",
		"{} x":                                "line 1, column 4",
		"{\"s\": [],\n \"a\": 1}":             "s is not an object",
		"{\"s\": null}":                       "s is not an object",
		"{\"s\": {},\n\"s\": {}}":             `line 2, column 1: "s" is there twice`,
		"{\"s\": {\"x\": 1, \"\\u0078\": 2}}": `"x" is there twice`,
		"{\"a\": " + strings.Repeat("[", 300): "more than 200 levels",
		"{\"a\": // \"\n" + strings.Repeat("[", 300):   "more than 200 levels",
		"{/* ' \" */\"a\":" + strings.Repeat("[", 1e6): "more than 200 levels",
		"\xff\xfe{\x00}\x00":                           "line 1, column 1",
	} {
		d, err := parseJSON([]byte(src))
		if err == nil {
			err = d.set([]byte(value), "s", "x")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", src, err, want)
		}
	}
	if _, err := parse(make([]byte, maxFile+1), syntaxJSON); err == nil {
		t.Error("a file without bound was parsed")
	}
}

func TestTOML(t *testing.T) {
	t.Parallel()
	const entry = "[s.x]\ncommand = \"/bin/mcpengine\"\nargs = [\"bridge\", \"x\"]\n"
	tests := []struct{ name, before, after, left string }{
		{"nothing", "", entry, ""},
		{"something", "# hi\nmodel = \"o\" # m\n", "# hi\nmodel = \"o\" # m\n\n" + entry, "# hi\nmodel = \"o\" # m\n"},
		{"no last line end", "a = 1", "a = 1\n\n" + entry, "a = 1\n"},
		{"Windows", utf8BOM + "a = 1\r\n", utf8BOM + "a = 1\r\n\r\n" + strings.ReplaceAll(entry, "\n", "\r\n"), utf8BOM + "a = 1\r\n"},
		{"others", "[s.y]\nargs = [ # one\n 'a',\n]\n[s.y.env]\nK = '''\n[s.x]\n'''\n", "[s.y]\nargs = [ # one\n 'a',\n]\n[s.y.env]\nK = '''\n[s.x]\n'''\n\n" + entry, "[s.y]\nargs = [ # one\n 'a',\n]\n[s.y.env]\nK = '''\n[s.x]\n'''\n"},
		{"one to replace", "a = 1\n\n[s.x]\nurl = \"u\" # old\n# about b\n\n[b]\nc = 9999999999\n", "a = 1\n\n# about b\n\n[b]\nc = 9999999999\n\n" + entry, "a = 1\n\n# about b\n\n[b]\nc = 9999999999\n"},
		{"one with a table", "[s.x]\nurl = 'u'\n\n[s.x.env]\nK = 1\n\n[[s.x.more]]\nl = 2\n\n[b]\nc = 1\n", "[b]\nc = 1\n\n" + entry, "[b]\nc = 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, err := parse([]byte(test.before), syntaxTOML)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.set([]byte(value), "s", "x"); err != nil {
				t.Fatal(err)
			}
			if got := string(d.bytes()); got != test.after {
				t.Errorf("set:\n%q\nwant:\n%q", got, test.after)
			}
			if err := d.remove("s", "x"); err != nil {
				t.Fatal(err)
			}
			if got := string(d.bytes()); got != test.left {
				t.Errorf("remove:\n%q\nwant:\n%q", got, test.left)
			}
		})
	}
}

func TestTOMLUpdate(t *testing.T) {
	t.Parallel()
	tests := []struct{ before, path, value, want string }{
		{"[s.x]\ncommand = 'a' # c\nargs = [1]\n", "s.x.command", `"b"`, "[s.x]\ncommand = \"b\" # c\nargs = [1]\n"},
		{"[s.x]\nargs = [\n1, # one\n] # end\n", "s.x.args", `["a"]`, "[s.x]\nargs = [\"a\"] # end\n"},
		{"[s.x]\n\"a=b\" = 1\n'c' = 2\n", "s.x.a=b", `2`, "[s.x]\n\"a=b\" = 2\n'c' = 2\n"},
		{"[s.x]\nargs = [1]\n\n[b]\n", "s.x.env.K", `"v"`, "[s.x]\nargs = [1]\nenv.K = \"v\"\n\n[b]\n"},
		{"[s.x]\n[s.x.env]\nA = 1\n\n[b]\n", "s.x.env.K", `"v"`, "[s.x]\n[s.x.env]\nA = 1\nK = \"v\"\n\n[b]\n"},
		{"[s.x]\nenv = { A = \"a\", N = 1 } # e\n", "s.x.env.K", `"v"`, "[s.x]\nenv = { A = \"a\", K = \"v\", N = 1 } # e\n"},
		{"[s.x]\nenv = { K = \"a\" }\n", "s.x.env.K", `"v"`, "[s.x]\nenv = { K = \"v\" }\n"},
		{"[s]\nx = { command = \"c\" }\n", "s.x.command", `"b"`, "[s]\nx = { command = \"b\" }\n"},
	}
	for _, test := range tests {
		d, err := parse([]byte(test.before), syntaxTOML)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.set([]byte(test.value), strings.Split(test.path, ".")...); err != nil {
			t.Errorf("set %s in %q: %v", test.path, test.before, err)
		} else if got := string(d.bytes()); got != test.want {
			t.Errorf("set %s in %q = %q, want %q", test.path, test.before, got, test.want)
		}
	}
}

func TestTOMLErrors(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"a = 1\nb = \n":                     "line 2",
		"a = 1\na = 2\n":                    "line 2",
		"s = 1\n":                           "s is not a table",
		"[[s]]\nx = 1\n":                    "s is not a table",
		"s = { x = { url = 'u' } }":         "not in a [table] of its own",
		"s = { y = 1 }":                     "not in a [table] of its own",
		"a = " + strings.Repeat("[", 20000): "nested",
	} {
		d, err := parse([]byte(src), syntaxTOML)
		if err == nil {
			err = d.set([]byte(value), "s", "x")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", src, err, want)
		}
	}
}

// An edit that went wrong is noticed before the file is written.
func TestDamage(t *testing.T) {
	t.Parallel()
	j, err := parse([]byte(`{"a":1,"s":{"b":2,"x":3}}`), syntaxJSON)
	if err != nil {
		t.Fatal(err)
	}
	for next, ok := range map[string]bool{
		`{"a":1,"s":{"b":2,"x":4}}`: true, `{"a":1,"s":{"b":2}}`: true,
		`{"a":2,"s":{"b":2,"x":3}}`: false, `{"a":1,"s":{"x":3}}`: false, `{"a":1}`: false, `{"a":1,"s":7}`: false, `{`: false,
	} {
		d := *j.(*jsonDocument)
		if err := d.replace([]byte(next), []string{"s", "x"}); (err == nil) != ok || !ok && !errors.Is(err, errDamage) {
			t.Errorf("replace with %s = %v", next, err)
		}
	}
}

// What the host writes in the meantime is not lost, and one that never stops is an
// error.
func TestHostWrites(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, attempts} {
		e := Environment{State: t.TempDir()}
		name := filepath.Join(t.TempDir(), "mcp.json")
		n := 0
		_, err := e.editFile(t.Context(), name, syntaxJSON, false, func(d document) error {
			if n < times {
				n++
				if err := os.WriteFile(name, fmt.Appendf(nil, `{"theirs":%d}`, n), 0o600); err != nil {
					return err
				}
			}
			return d.set([]byte("1"), "ours")
		})
		got, readErr := os.ReadFile(name)
		if readErr != nil {
			t.Fatal(readErr)
		}
		want := `{"theirs":1,"ours":1}`
		if times == attempts {
			want = fmt.Sprintf(`{"theirs":%d}`, attempts)
		}
		if string(got) != want || errors.Is(err, errChanged) != (times == attempts) {
			t.Errorf("after %d writes of the host: %s, %v; want %s", times, got, err, want)
		}
	}
}

// An edit of whatever parses gives something that parses, in which all else is
// as it was; removing it again leaves what there was before, but for spaces.
func fuzzEdit(t *testing.T, src []byte, syntax syntax) {
	d, err := parse(src, syntax)
	if err != nil {
		return
	}
	old, err := d.get("s", "x")
	if err != nil {
		return
	}
	object, _ := d.get("s")
	if old != nil && sameJSON(old, []byte(value)) {
		return
	}
	if err := d.set([]byte(value), "s", "x"); err != nil {
		// What YAML can say in many ways is found by the check of the edit alone.
		if syntax != syntaxYAML && strings.Contains(err.Error(), errDamage.Error()) {
			t.Fatalf("set in %q: %v", src, err)
		}
		return
	}
	got, err := d.get("s", "x")
	if err != nil || !sameJSON(got, []byte(value)) {
		t.Fatalf("set in %q: get = %s, %v", src, got, err)
	}
	if _, err := parse(d.bytes(), syntax); err != nil {
		t.Fatalf("set in %q: %q: %v", src, d.bytes(), err)
	}
	if err := d.remove("s", "x"); err != nil {
		if syntax == syntaxYAML && errors.Is(err, errDamage) {
			return
		}
		t.Fatalf("remove from %q: %v", d.bytes(), err)
	}
	if got, err := d.get("s", "x"); got != nil || err != nil {
		t.Fatalf("remove from %q: get = %s, %v", src, got, err)
	}
	if old == nil && (syntax == syntaxTOML || syntax == syntaxJSON && object != nil) && !bytes.Equal(noSpace(d.bytes()), noSpace(src)) {
		t.Fatalf("set and remove changed %q to %q", src, d.bytes())
	}
}

func noSpace(b []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, b)
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "{}// e", "// e", "/* e */", `{"s":{}}`, `{"a":1,"s":{"b":2,},}`, "{\n  // c\n  \"s\": { /* d */ \"x\": 1, // e\n }\n}\r\n", utf8BOM + `{"s":{"x":{"y":[]}}}`,
		"{\"a\":2, // c\n\"s\":{\"b\":1 // d\n}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) { fuzzEdit(t, src, syntaxJSON) })
}

func FuzzTOML(f *testing.F) {
	for _, seed := range []string{
		"", "a = 1", "[s.x]\nurl = 'u' # c\n\n[s.x.env]\nK=1\n[b]\n", "[s]\nx.y = 1\nz = {a=1}\n", "[[b]]\n[s.'x']\na='''\n'''\n[s.\"y\"]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) { fuzzEdit(t, src, syntaxTOML) })
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"", "a: 1", "s:\n  x:\n    cmd: u # c\n\n# d\nb: 1\n", "s: {}\n", "s:\n", "s:\n- a\n", "s:\n  y: |\n    # text\n  z: &a [1]\nt: *a\n", "---\ns: {a: 1}\n...\n", "\rs:",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) { fuzzEdit(t, src, syntaxYAML) })
}

// Edits of YAML keep comments, blank lines and the indentation of the file.
func TestYAML(t *testing.T) {
	t.Parallel()
	const value = `{"cmd":"m","args":["a","b c"],"envs":{}}`
	for _, test := range []struct{ name, before, after, removed string }{
		{"empty", "", "s:\n  x:\n    cmd: \"m\"\n    args: [\"a\", \"b c\"]\n    envs: {}\n", "s: {}\n"},
		{"a mapping", "# top\na: 1\ns:\n  y:\n    cmd: z # c\n\n# next\nb: 2\n", "# top\na: 1\ns:\n  y:\n    cmd: z # c\n  x:\n    cmd: \"m\"\n    args: [\"a\", \"b c\"]\n    envs: {}\n\n# next\nb: 2\n", "# top\na: 1\ns:\n  y:\n    cmd: z # c\n\n# next\nb: 2\n"},
		{"four columns, no newline", "s:\n    y: 1", "s:\n    y: 1\n    x:\n        cmd: \"m\"\n        args: [\"a\", \"b c\"]\n        envs: {}\n", "s:\n    y: 1\n"},
		{"replaced", "s:\n  x:\n    cmd: old\n    more: 1\n\nb: 2\n", "s:\n  x:\n    cmd: \"m\"\n    args: [\"a\", \"b c\"]\n    envs: {}\n\nb: 2\n", "s: {}\n\nb: 2\n"},
		{"braces without members", "s: {} # none\nb: 2\n", "s: # none\n  x:\n    cmd: \"m\"\n    args: [\"a\", \"b c\"]\n    envs: {}\nb: 2\n", "s: {}\nb: 2\n"},
		{"CRLF", "s:\r\n  y: 1\r\nb: 2\r\n", "s:\r\n  y: 1\r\n  x:\r\n    cmd: \"m\"\r\n    args: [\"a\", \"b c\"]\r\n    envs: {}\r\nb: 2\r\n", "s:\r\n  y: 1\r\nb: 2\r\n"},
	} {
		d, err := parse([]byte(test.before), syntaxYAML)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if err := d.set([]byte(value), "s", "x"); err != nil || string(d.bytes()) != test.after {
			t.Errorf("%s: set: %v\n%s\nwant\n%s", test.name, err, d.bytes(), test.after)
		}
		if err := d.remove("s", "x"); err != nil || string(d.bytes()) != test.removed {
			t.Errorf("%s: remove: %v\n%s\nwant\n%s", test.name, err, d.bytes(), test.removed)
		}
	}
	for src, want := range map[string]string{
		"s: [1]\n": "s is not a mapping", "s: {y: 1}\n": "s is written in braces", "- a\n": "not a mapping", "a: 1\n---\nb: 2\n": "more than one document",
		"s: {}\ns: {}\n": "already defined", "a: [\n": "line",
	} {
		d, err := parse([]byte(src), syntaxYAML)
		if err == nil {
			err = d.set([]byte(value), "s", "x")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}
