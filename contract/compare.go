package contract

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/tokens"
)

// Compare returns what changed from one lock to another.
func Compare(before, after *Lock) Changes {
	c := &comparison{}
	c.server(before, after)
	c.extensions(before, after)
	for _, k := range kinds {
		c.kind(k.name, *k.entries(before), *k.entries(after))
	}
	c.changes.sort()
	return c.changes
}

// A comparison collects the changes of one feature after the other.
type comparison struct {
	changes  Changes
	kindName string
	name     string
}

func (c *comparison) add(class Class, path, format string, args ...any) {
	c.changes = append(c.changes, Change{Class: class, Kind: c.kindName, Name: c.name, Path: path, Text: fmt.Sprintf(format, args...)})
}

// addText adds the change of a text that a model reads.
func (c *comparison) addText(path, what, before, after string) {
	if before == after {
		return
	}
	verb := "changed"
	switch {
	case before == "":
		verb = "added"
	case after == "":
		verb = "removed"
	}
	c.add(Notice, path, "%s %s", what, verb)
	c.cost(tokens.Estimate(after) - tokens.Estimate(before))
}

// cost says how many tokens the change that was added last adds.
func (c *comparison) cost(n int) { c.changes[len(c.changes)-1].Tokens = n }

func (c *comparison) server(before, after *Lock) {
	c.kindName, c.name = "server", ""
	if before.Server.Name != after.Server.Name {
		c.add(Security, "/server/name", "name changed from %q to %q", before.Server.Name, after.Server.Name)
	}
	c.addText("/server/title", "title", before.Server.Title, after.Server.Title)
	c.addText("/instructions", "instructions", before.Instructions, after.Instructions)
	if before.ProtocolVersion != after.ProtocolVersion {
		c.add(Breaking, "/protocolVersion", "protocol version %s is not spoken any more, but %s", before.ProtocolVersion, after.ProtocolVersion)
	}
	c.members("/capabilities", "capability", object(before.Capabilities), object(after.Capabilities))
}

// members compares what a server declares: what is gone breaks, what came does
// not.
func (c *comparison) members(path, what string, before, after map[string]any) {
	for _, name := range union(before, after) {
		at := path + "/" + escape(name)
		x, had := before[name]
		y, has := after[name]
		switch {
		case !has && x != false: // a capability that is false is none
			c.add(Breaking, at, "%s %q removed", what, name)
		case has && !had && y != false:
			c.add(Compatible, at, "%s %q added", what, name)
		case had && has && !equal(x, y):
			inner, ok := x.(map[string]any)
			other, both := y.(map[string]any)
			switch {
			case ok && both:
				c.members(at, what, inner, other)
			case y == false:
				c.add(Breaking, at, "%s %q removed", what, name)
			case x == false:
				c.add(Compatible, at, "%s %q added", what, name)
			default:
				c.add(Notice, at, "%s %q changed", what, name)
			}
		}
	}
}

func (c *comparison) extensions(before, after *Lock) {
	c.kindName = "extension"
	for _, id := range union(before.Extensions, after.Extensions) {
		c.name = id
		x, had := before.Extensions[id]
		y, has := after.Extensions[id]
		switch {
		case !has:
			c.add(Breaking, "", "removed")
		case !had:
			c.add(Compatible, "", "added")
		case !equalJSON(x, y):
			c.add(Notice, "", "settings changed")
		}
	}
}

// kind compares all features of a kind.
func (c *comparison) kind(kind string, before, after map[string]Entry) {
	c.kindName = kind
	renamed := renames(before, after)
	said := make(map[string]bool) // new names
	for _, name := range union(before, after) {
		c.name = name
		x, had := before[name]
		y, has := after[name]
		switch {
		case had && has:
			c.feature(x, y)
		case had && renamed[name] != "":
			c.add(Breaking, "", "renamed to %q", renamed[name])
			said[renamed[name]] = true
		case had:
			c.add(Breaking, "", "removed")
			c.cost(-tokens.Estimate(x.Definition))
		}
	}
	for _, name := range union(after, nil) {
		if _, had := before[name]; !had && !said[name] {
			c.name = name
			c.add(Compatible, "", "added")
			c.cost(tokens.Estimate(after[name].Definition))
		}
	}
}

// renames finds the features that only have another name: the new name by the old.
func renames(before, after map[string]Entry) map[string]string {
	come := make(map[string][]string) // new names, by the rest of the definition
	for _, name := range union(after, nil) {
		if _, had := before[name]; !had {
			key := nameless(after[name])
			come[key] = append(come[key], name)
		}
	}
	renamed := make(map[string]string)
	for _, name := range union(before, nil) {
		if _, has := after[name]; has {
			continue
		}
		if key := nameless(before[name]); key != "{}" && len(come[key]) > 0 {
			renamed[name], come[key] = come[key][0], come[key][1:]
		}
	}
	return renamed
}

// nameless returns the canonical JSON of a definition without the name.
func nameless(e Entry) string {
	members := object(e.Definition)
	for _, name := range []string{"name", "uri", "uriTemplate"} {
		delete(members, name)
	}
	return canonicalText(members)
}

// feature compares two definitions of one feature.
func (c *comparison) feature(before, after Entry) {
	if before.Access != after.Access && before.Access != "" && after.Access != "" {
		c.add(Security, "", "may be used by %s, before by %s", after.Access, before.Access)
	}
	if before.Digest != after.Digest {
		c.definition(object(before.Definition), object(after.Definition))
	}
	if !equalJSON(orEmpty(before.View), orEmpty(after.View)) {
		c.view(object(before.View), object(after.View))
	}
}

func orEmpty(text []byte) []byte {
	if len(text) == 0 {
		return []byte("{}")
	}
	return text
}

// definition compares the members of two definitions.
func (c *comparison) definition(before, after map[string]any) {
	for _, name := range union(before, after) {
		x, y := before[name], after[name]
		if equal(x, y) {
			continue
		}
		at := "/" + escape(name)
		switch name {
		case "title", "description":
			c.addText(at, name, text(x), text(y))
		case "inputSchema":
			c.schema(at, input, x, y)
		case "outputSchema":
			c.outputSchema(at, x, y)
		case "annotations":
			c.annotations(at, asObject(x), asObject(y))
		case "arguments":
			c.arguments(at, x, y)
		case "mimeType":
			c.add(Breaking, at, "media type changed from %q to %q", text(x), text(y))
		case "execution":
			c.taskSupport(at, asObject(x), asObject(y))
		case "_meta":
			c.meta(at, asObject(x), asObject(y))
		default:
			c.add(Notice, at, "%s changed", name)
		}
	}
}

func (c *comparison) outputSchema(at string, before, after any) {
	switch {
	case after == nil:
		c.add(Breaking, at, "the output has no schema any more")
	case before == nil:
		c.add(Compatible, at, "the output has a schema now")
	default:
		c.schema(at, output, before, after)
	}
}

// hints are the annotations of tools by which hosts decide whether they ask
// before a call. They have the values that a tool without them has, and say which
// way is the dangerous one.
var hints = []struct {
	name              string
	absent, dangerous bool
	means             string
}{
	{"readOnlyHint", false, false, "the tool may change something now"},
	{"destructiveHint", true, true, "the tool may destroy something now"},
	{"idempotentHint", false, false, "a repeated call may have another effect now"},
	{"openWorldHint", true, true, "the tool may reach other systems now"},
}

// annotations compares annotations of tools, and of resources, which have other
// members.
func (c *comparison) annotations(at string, before, after map[string]any) {
	for _, hint := range hints {
		x, y := boolean(before[hint.name], hint.absent), boolean(after[hint.name], hint.absent)
		switch {
		case x == y:
		case y == hint.dangerous:
			c.add(Breaking, at+"/"+hint.name, "%s is %t now: %s", hint.name, y, hint.means)
		default:
			c.add(Notice, at+"/"+hint.name, "%s is %t now: hosts may ask less often before a call", hint.name, y)
		}
		delete(before, hint.name)
		delete(after, hint.name)
	}
	c.addText(at+"/title", "title", text(before["title"]), text(after["title"]))
	delete(before, "title")
	delete(after, "title")
	for _, name := range union(before, after) {
		if !equal(before[name], after[name]) {
			c.add(Notice, at+"/"+escape(name), "annotation %s changed", name)
		}
	}
}

// arguments compares the arguments of a prompt.
func (c *comparison) arguments(at string, before, after any) {
	x, y := argumentsByName(before), argumentsByName(after)
	for _, name := range union(x, y) {
		old, had := x[name]
		now, has := y[name]
		here := at + "/" + escape(name)
		switch required := boolean(now["required"], false); {
		case !has:
			c.add(Breaking, here, "argument %q removed", name)
			continue
		case !had && required:
			c.add(Breaking, here, "new required argument %q", name)
			continue
		case !had:
			c.add(Compatible, here, "optional argument %q added", name)
			continue
		case required && !boolean(old["required"], false):
			c.add(Breaking, here, "argument %q is required now", name)
		case !required && boolean(old["required"], false):
			c.add(Compatible, here, "argument %q is optional now", name)
		}
		c.addText(here+"/title", fmt.Sprintf("title of argument %q", name), text(old["title"]), text(now["title"]))
		c.addText(here+"/description", fmt.Sprintf("description of argument %q", name), text(old["description"]), text(now["description"]))
	}
}

func argumentsByName(list any) map[string]map[string]any {
	all := make(map[string]map[string]any)
	items, _ := list.([]any)
	for _, item := range items {
		argument := asObject(item)
		all[text(argument["name"])] = argument
	}
	return all
}

// taskSupport compares how a tool may be called as a task in version 2025-11-25.
func (c *comparison) taskSupport(at string, before, after map[string]any) {
	const member = "taskSupport"
	x, y := textOr(before[member], "forbidden"), textOr(after[member], "forbidden")
	switch {
	case x == y:
		c.add(Notice, at, "execution changed")
	case x == "forbidden" && y == "optional", x == "required" && y == "optional":
		c.add(Compatible, at+"/"+member, "calls as tasks are %s now, before %s", y, x)
	default:
		c.add(Breaking, at+"/"+member, "calls as tasks are %s now, before %s", y, x)
	}
}

// meta compares "_meta", in which the view of a tool is a matter of security.
func (c *comparison) meta(at string, before, after map[string]any) {
	for _, name := range union(before, after) {
		switch {
		case equal(before[name], after[name]):
		case name == "ui" || name == "ui/resourceUri":
			c.view(asObject(before[name]), asObject(after[name]))
		default:
			c.add(Notice, at+"/"+escape(name), "_meta member %q changed", name)
		}
	}
}

// view compares what a view of MCP Apps may do. More is a matter of security, less
// is not.
func (c *comparison) view(before, after map[string]any) {
	for _, name := range union(before, after) {
		x, y := before[name], after[name]
		at := "/_meta/ui/" + escape(name)
		switch {
		case equal(x, y):
		case name != "csp" && name != "permissions" && name != "domain":
			c.add(Notice, at, "the %s of the view changed", name)
		case widened(x, y):
			c.add(Security, at, "the %s of the view allows more", name)
		default:
			c.add(Notice, at, "the %s of the view allows less", name)
		}
	}
}

// widened reports whether after allows something that before does not: members of
// objects and items of arrays are permissions.
func widened(before, after any) bool {
	switch y := after.(type) {
	case nil:
		return false
	case map[string]any:
		x := asObject(before)
		for name, value := range y {
			if _, had := x[name]; !had && !empty(value) || widened(x[name], value) {
				return true
			}
		}
		return false
	case []any:
		x, _ := before.([]any)
		return len(missing(y, x)) > 0
	}
	return !equal(before, after)
}

// empty reports whether a value grants nothing: an empty list, or false.
func empty(value any) bool {
	list, ok := value.([]any)
	return ok && len(list) == 0 || value == false
}

func object(text []byte) map[string]any {
	var members map[string]any
	if json.Unmarshal(text, &members) != nil || members == nil {
		members = map[string]any{}
	}
	return members
}

// asObject returns a copy of an object that may be changed; empty for any other
// value.
func asObject(value any) map[string]any {
	members, _ := value.(map[string]any)
	if members == nil {
		return map[string]any{}
	}
	return maps.Clone(members)
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func textOr(value any, absent string) string {
	if s, ok := value.(string); ok {
		return s
	}
	return absent
}

func boolean(value any, absent bool) bool {
	if b, ok := value.(bool); ok {
		return b
	}
	return absent
}

// equal reports whether two decoded values are the same JSON value.
func equal(a, b any) bool { return canonicalText(a) == canonicalText(b) }

// canonicalText returns the canonical JSON of a decoded value.
func canonicalText(value any) string {
	text, _ := canonical(value) // what was decoded from JSON encodes
	return string(text)
}

// missing returns the values of one list that the other does not have.
func missing(of, in []any) []any {
	known := make(map[string]bool)
	for _, value := range in {
		known[canonicalText(value)] = true
	}
	return slices.DeleteFunc(slices.Clone(of), func(value any) bool { return known[canonicalText(value)] })
}

// union returns the sorted names of two maps.
func union[V any](a, b map[string]V) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(names)
	return slices.Compact(names)
}

// escape returns a name as a token of a JSON Pointer.
func escape(name string) string { return string(jsontext.Pointer("").AppendToken(name))[1:] }
