package hostconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A yamlDocument is a file of YAML. The library says on which lines things are, and
// whole lines are cut here: its encoder would lose comments and the user's style.
// Mappings in braces are read and not edited.
type yamlDocument struct {
	bom    string
	src    []byte
	root   *yaml.Node // a mapping, or nil in an empty file
	values map[string]any
}

func parseYAML(src []byte) (*yamlDocument, error) {
	d := &yamlDocument{}
	if rest, ok := bytes.CutPrefix(src, []byte(utf8BOM)); ok {
		d.bom, src = utf8BOM, rest
	}
	if err := d.reset(src); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *yamlDocument) bytes() []byte { return append([]byte(d.bom), d.src...) }

// reset parses the bytes that take the place of the document's.
func (d *yamlDocument) reset(src []byte) error {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		d.src, d.root, d.values = src, nil, map[string]any{}
		return nil
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if !errors.Is(decoder.Decode(&second), io.EOF) {
		return errors.New("the file has more than one document")
	}
	root, values := document.Content[0], map[string]any{}
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		root = nil
	} else if root.Kind != yaml.MappingNode {
		return errors.New("line 1, column 1: the file is not a mapping")
	} else if err := root.Decode(&values); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	d.src, d.root, d.values = src, root, values
	return nil
}

func (d *yamlDocument) get(path ...string) ([]byte, error) {
	var at any = d.values
	for i, name := range path {
		if at == nil && i > 0 {
			return nil, nil
		}
		table, ok := at.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is not a mapping", pathString(path[:i]))
		}
		if at, ok = table[name]; !ok {
			return nil, nil
		}
	}
	return json.Marshal(at)
}

func (d *yamlDocument) names(path ...string) ([]string, error) {
	value, err := d.get(path...)
	if value == nil || err != nil {
		return nil, err
	}
	var table map[string]json.RawMessage
	if err := json.Unmarshal(value, &table); err != nil {
		return nil, fmt.Errorf("%s is not a mapping", pathString(path))
	}
	return inOrder(table), nil
}

// A yamlSpan is where a key and its value are: whole lines, the last one excluded.
type yamlSpan struct {
	key, value *yaml.Node
	from, to   int // offsets
	indent     int
	only       bool // no other key is in the mapping
}

// find follows the path as far as it goes. It returns the span of the last key that
// is there, and how many names it has followed.
func (d *yamlDocument) find(path []string) (yamlSpan, int, error) {
	starts := lineStarts(d.src)
	at := yamlSpan{value: d.root, to: len(d.src), indent: -1}
	for n, name := range path {
		node := at.value
		if node == nil || node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
			return at, n, nil
		}
		if node.Kind != yaml.MappingNode {
			return at, n, fmt.Errorf("%s is not a mapping", pathString(path[:n]))
		}
		index := -1
		for i := 0; i < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				index = i
			}
		}
		if index < 0 {
			return at, n, nil
		}
		if node.Style&yaml.FlowStyle != 0 {
			return at, n, fmt.Errorf("%s is written in braces, which is not edited here", pathString(path[:n]))
		}
		key, limit := node.Content[index], at.to
		if index+2 < len(node.Content) {
			limit = starts[node.Content[index+2].Line-1]
		}
		from := starts[key.Line-1]
		at = yamlSpan{key, node.Content[index+1], from, trimLines(d.src, from, limit), key.Column - 1, len(node.Content) == 2}
	}
	return at, len(path), nil
}

// lineBreak is what the library counts as the end of a line.
var lineBreak = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// lineStarts returns the offset of each line.
func lineStarts(src []byte) []int {
	starts := []int{0}
	for _, at := range lineBreak.FindAllIndex(src, -1) {
		starts = append(starts, at[1])
	}
	return starts
}

// trimLines returns the end of the last line before the limit that is neither blank
// nor a comment: those belong to what follows.
func trimLines(src []byte, from, limit int) int {
	for limit > from {
		start := bytes.LastIndexByte(src[:limit-1], '\n') + 1
		line := bytes.TrimSpace(src[start:limit])
		if start <= from || len(line) > 0 && line[0] != '#' {
			break
		}
		limit = start
	}
	return limit
}

func (d *yamlDocument) set(value []byte, path ...string) error {
	decoded, err := decodeJSON(value)
	if err != nil {
		return err
	}
	at, n, err := d.find(path)
	if err != nil {
		return err
	}
	if n == len(path) {
		text := d.layout(path[n-1], decoded, at.indent, d.step())
		return d.replace(splice(d.src, at.from, at.to, text), path)
	}
	for _, name := range slices.Backward(path[n+1:]) {
		decoded = map[string]any{name: decoded}
	}
	indent := at.indent + d.step()
	if at.key == nil {
		indent = 0
	}
	end, src := at.to, d.src
	if node := at.value; node != nil && node.Kind == yaml.MappingNode {
		switch {
		case node.Style&yaml.FlowStyle == 0 && len(node.Content) > 0:
			indent = node.Content[0].Column - 1
		case len(node.Content) > 0 || at.key == nil:
			return fmt.Errorf("%s is written in braces, which is not edited here", pathString(path[:n]))
		default: // a mapping without members becomes one of lines
			braces := bytes.Index(src[at.from:at.to], []byte(" {}"))
			if braces < 0 {
				return fmt.Errorf("%s is written in braces, which is not edited here", pathString(path[:n]))
			}
			src = splice(src, at.from+braces, at.from+braces+len(" {}"), "")
			end -= len(" {}")
		}
	}
	if at.key == nil {
		end = len(src)
	}
	text := d.layout(path[n], decoded, indent, d.step())
	if end > 0 && src[end-1] != '\n' {
		text = newline(src) + text
	}
	return d.replace(splice(src, end, end, text), path)
}

// step returns the indentation of one level of the file.
func (d *yamlDocument) step() int {
	if d.root == nil {
		return 2
	}
	for i := 1; i < len(d.root.Content); i += 2 {
		if v := d.root.Content[i]; v.Kind == yaml.MappingNode && v.Style&yaml.FlowStyle == 0 && len(v.Content) > 0 {
			return max(1, v.Content[0].Column-d.root.Content[i-1].Column)
		}
	}
	return 2
}

// layout writes a key and its value: an entry with a line for each member, and
// everything below on one line.
func (d *yamlDocument) layout(name string, value any, indent, step int) string {
	nl, space := newline(d.src), strings.Repeat(" ", indent)
	table, ok := value.(map[string]any)
	if !ok || len(table) == 0 || indent > step {
		return space + yamlKey(name) + ": " + yamlValue(value) + nl
	}
	var text strings.Builder
	text.WriteString(space + yamlKey(name) + ":" + nl)
	for _, member := range inOrder(table) {
		text.WriteString(d.layout(member, table[member], indent+step, step))
	}
	return text.String()
}

func (d *yamlDocument) remove(path ...string) error {
	at, n, err := d.find(path)
	if err != nil || n < len(path) {
		return err
	}
	if !at.only || len(path) == 1 {
		return d.replace(splice(d.src, at.from, at.to, ""), path)
	}
	parent, _, err := d.find(path[:len(path)-1])
	if err != nil {
		return err
	}
	head := strings.Repeat(" ", parent.indent) + yamlKey(path[len(path)-2]) + ": {}" + newline(d.src)
	return d.replace(splice(d.src, parent.from, at.to, head), path)
}

// replace takes on the edited bytes when they parse and differ from the old
// ones at the path alone.
func (d *yamlDocument) replace(next []byte, path []string) error {
	edited := &yamlDocument{bom: d.bom}
	if err := edited.reset(next); err != nil {
		return fmt.Errorf("%w (%w)", errDamage, err)
	}
	if !reflect.DeepEqual(without(d.values, path), without(edited.values, path)) {
		return errDamage
	}
	*d = *edited
	return nil
}

// yamlKey writes a key, quoted unless every reader takes it for a text.
func yamlKey(name string) string {
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return yamlValue(name)
		}
	}
	if slices.Contains([]string{"", "y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(name)) {
		return yamlValue(name)
	}
	return name
}

// yamlValue writes a value of JSON on one line. A value of JSON is one of YAML, but
// for DEL.
func yamlValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return strings.ReplaceAll(quote(v), "\x7f", `\x7F`)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = yamlValue(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, name := range inOrder(v) {
			parts = append(parts, yamlKey(name)+": "+yamlValue(v[name]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(value)
}
