package hostconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A tomlDocument is a file of TOML. The library's parser says where things are,
// and the bytes are cut here: its encoder would lose the comments.
type tomlDocument struct {
	bom      string
	src      []byte
	sections []section
	values   map[string]any
}

// A section is a table header with the pairs below it. The first one has the
// pairs above all headers.
type section struct {
	key        []string
	array      bool
	start, end int // from the line of the header to the end of the line of the last pair
	pairs      []pair
}

// A pair is a key and its value, written at [start, end) with the value at
// [value, end).
type pair struct {
	key               []string // from the top of the file
	start, value, end int
}

func parseTOML(src []byte) (*tomlDocument, error) {
	d := &tomlDocument{}
	if rest, ok := bytes.CutPrefix(src, []byte(utf8BOM)); ok {
		d.bom, src = utf8BOM, rest
	}
	if err := d.reset(src); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *tomlDocument) bytes() []byte { return append([]byte(d.bom), d.src...) }

// reset parses the bytes that take the place of the document's.
func (d *tomlDocument) reset(src []byte) error {
	values := map[string]any{}
	if err := toml.Unmarshal(src, &values); err != nil {
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := e.Position()
			return fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(e.Error(), "toml: "))
		}
		return errors.New(strings.TrimPrefix(err.Error(), "toml: "))
	}
	d.src, d.values = src, values
	return d.locate()
}

// locate finds the sections and pairs.
func (d *tomlDocument) locate() error {
	d.sections = []section{{}}
	var p unstable.Parser
	p.Reset(d.src)
	for p.NextExpression() {
		node := p.Expression()
		var key []string
		start := -1
		for it := node.Key(); it.Next(); {
			if start < 0 {
				start = int(it.Node().Raw.Offset)
			}
			key = append(key, string(it.Node().Data))
		}
		here := &d.sections[len(d.sections)-1]
		if node.Kind != unstable.KeyValue {
			d.sections = append(d.sections, section{
				key: key, array: node.Kind == unstable.ArrayTable,
				start: lineStart(d.src, start), end: lineEnd(d.src, start),
			})
			continue
		}
		start, end := int(node.Raw.Offset), int(node.Raw.Offset+node.Raw.Length)
		value, err := valueStart(d.src, start, end)
		if err != nil {
			return err
		}
		here.pairs = append(here.pairs, pair{slices.Concat(here.key, key), start, value, end})
		here.end = lineEnd(d.src, end)
	}
	return p.Error()
}

// valueStart returns where the value of a pair begins: behind the first equals sign
// that is not in a quoted key.
func valueStart(src []byte, start, end int) (int, error) {
	var quoted byte
	for i := start; i < end; i++ {
		switch c := src[i]; {
		case quoted == '"' && c == '\\':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '\'':
			quoted = c
		case c == '=':
			return i + 1 + len(src[i+1:end]) - len(bytes.TrimLeft(src[i+1:end], " \t")), nil
		}
	}
	return 0, fmt.Errorf("%s: no value", position(src, start))
}

func (d *tomlDocument) get(path ...string) ([]byte, error) {
	var at any = d.values
	for i, name := range path {
		table, ok := at.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is not a table", pathString(path[:i]))
		}
		if at, ok = table[name]; !ok {
			return nil, nil
		}
	}
	return json.Marshal(at)
}

func (d *tomlDocument) names(path ...string) ([]string, error) {
	value, err := d.get(path...)
	if value == nil || err != nil {
		return nil, err
	}
	var table map[string]json.RawMessage
	if err := json.Unmarshal(value, &table); err != nil {
		return nil, fmt.Errorf("%s is not a table", pathString(path))
	}
	return inOrder(table), nil
}

func (d *tomlDocument) set(value []byte, path ...string) error {
	decoded, err := decodeJSON(value)
	if err != nil {
		return err
	}
	if table, ok := decoded.(map[string]any); ok && len(path) == 2 {
		return d.setTable(table, path)
	}
	for _, s := range d.sections {
		if s.array {
			continue
		}
		for _, p := range s.pairs {
			if slices.Equal(p.key, path) {
				return d.replace(splice(d.src, p.value, p.end, tomlValue(decoded)), path)
			}
			if hasPrefix(path, p.key) {
				return d.setInline(decoded, path, p)
			}
		}
	}
	// The table closest to the value takes it.
	for n := len(path) - 1; n > 0; n-- {
		i := slices.IndexFunc(d.sections, func(s section) bool { return !s.array && slices.Equal(s.key, path[:n]) })
		if i < 0 {
			continue
		}
		at := d.sections[i].end
		line := newline(d.src) + tomlKey(path[n:]) + " = " + tomlValue(decoded)
		return d.replace(splice(d.src, at, at, line), path)
	}
	return d.unknownForm(path)
}

// setInline writes an inline table anew with one value changed.
func (d *tomlDocument) setInline(value any, path []string, p pair) error {
	data, err := d.get(p.key...)
	if err != nil {
		return err
	}
	table, err := decodeJSON(data)
	if err != nil {
		return err
	}
	at, ok := table.(map[string]any)
	for _, name := range path[len(p.key) : len(path)-1] {
		if ok && at[name] == nil {
			at[name] = map[string]any{}
		}
		if ok {
			at, ok = at[name].(map[string]any)
		}
	}
	if !ok {
		return d.unknownForm(path)
	}
	at[path[len(path)-1]] = value
	return d.replace(splice(d.src, p.value, p.end, tomlValue(table)), path)
}

// unknownForm returns the answer to what TOML can say in more ways than are edited
// here, such as an inline table.
func (d *tomlDocument) unknownForm(path []string) error {
	return fmt.Errorf("%s is not in a [table] of its own, and other forms are not edited", pathString(path))
}

// setTable writes a table at the end of the file.
func (d *tomlDocument) setTable(table map[string]any, path []string) error {
	if err := d.remove(path...); err != nil {
		return err
	}
	for _, s := range d.sections {
		if slices.ContainsFunc(s.pairs, func(p pair) bool { return !s.array && hasPrefix(path, p.key) }) {
			return d.unknownForm(path)
		}
	}
	nl := newline(d.src)
	next := bytes.Clone(d.src)
	if len(next) > 0 && next[len(next)-1] != '\n' {
		next = append(next, nl...)
	}
	if len(bytes.TrimSpace(next)) > 0 {
		next = append(next, nl...)
	}
	next = append(next, "["+tomlKey(path)+"]"+nl...)
	for _, name := range inOrder(table) {
		next = append(next, tomlKey([]string{name})+" = "+tomlValue(table[name])+nl...)
	}
	return d.replace(next, path)
}

// inOrder returns the names of an entry's members, what it runs or calls first.
func inOrder[V any](table map[string]V) []string {
	first := []string{"type", "name", "command", "cmd", "args", "url", "uri"}
	return slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		i, j := slices.Index(first, a), slices.Index(first, b)
		if i >= 0 && j >= 0 {
			return i - j
		}
		if i >= 0 {
			return -1
		}
		if j >= 0 {
			return 1
		}
		return strings.Compare(a, b)
	})
}

func (d *tomlDocument) remove(path ...string) error {
	if value, err := d.get(path...); value == nil || err != nil {
		return err
	}
	next := d.src
	for _, s := range slices.Backward(d.sections) {
		if hasPrefix(s.key, path) {
			next = cutLines(next, s.start, s.end)
			continue
		}
		for _, p := range slices.Backward(s.pairs) {
			if hasPrefix(p.key, path) {
				next = cutLines(next, lineStart(next, p.start), lineEnd(next, p.end))
			}
		}
	}
	if err := d.replace(next, path); err != nil {
		return err
	}
	if value, err := d.get(path...); value != nil || err != nil {
		return d.unknownForm(path)
	}
	return nil
}

// cutLines takes lines out, and one of two blank lines that would meet, or that
// would come first.
func cutLines(src []byte, from, to int) []byte {
	nl := newline(src)
	if bytes.HasPrefix(src[to:], []byte(nl)) {
		to += len(nl)
	}
	rest := src[to:]
	blank := bytes.HasPrefix(rest, []byte(nl))
	switch {
	case from == 0 && blank:
		to += len(nl)
	case bytes.HasSuffix(src[:from], []byte(nl+nl)) && (len(rest) == 0 || blank):
		from -= len(nl)
	}
	return splice(src, from, to, "")
}

// replace takes on the edited bytes when they parse and differ from the old
// ones at the path alone.
func (d *tomlDocument) replace(next []byte, path []string) error {
	edited := &tomlDocument{bom: d.bom}
	if err := edited.reset(next); err != nil {
		return fmt.Errorf("%w (%w)", errDamage, err)
	}
	if !reflect.DeepEqual(without(d.values, path), without(edited.values, path)) {
		return errDamage
	}
	*d = *edited
	return nil
}

// without returns a copy of the values that lacks what the path leads to. A table
// that has nothing else goes too: its header may come and go with the entry.
func without(values map[string]any, path []string) map[string]any {
	out := maps.Clone(values)
	table, ok := out[path[0]].(map[string]any)
	switch {
	case len(path) == 1:
		delete(out, path[0])
	case ok:
		if rest := without(table, path[1:]); len(rest) > 0 {
			out[path[0]] = rest
		} else {
			delete(out, path[0])
		}
	}
	return out
}

func hasPrefix(key, prefix []string) bool {
	return len(key) >= len(prefix) && slices.Equal(key[:len(prefix)], prefix)
}

// tomlKey writes a dotted key; names that are not bare are quoted.
func tomlKey(key []string) string {
	parts := make([]string, len(key))
	for i, name := range key {
		parts[i] = name
		bare := name != ""
		for _, c := range []byte(name) {
			bare = bare && (c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z')
		}
		if !bare {
			parts[i] = tomlValue(name)
		}
	}
	return strings.Join(parts, ".")
}

// tomlValue writes a value of JSON on one line. A string of JSON is one of TOML,
// but for DEL.
func tomlValue(value any) string {
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(quote(v), "\x7f", `\u007F`)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = tomlValue(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, name := range inOrder(v) {
			parts = append(parts, tomlKey([]string{name})+" = "+tomlValue(v[name]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return fmt.Sprint(value)
}

func lineStart(src []byte, offset int) int { return bytes.LastIndexByte(src[:offset], '\n') + 1 }

// lineEnd returns the end of the line, without what ends it.
func lineEnd(src []byte, offset int) int {
	end := len(src)
	if i := bytes.IndexByte(src[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	if end > offset && src[end-1] == '\r' {
		end--
	}
	return end
}
