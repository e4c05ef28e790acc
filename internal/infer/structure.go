package infer

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// structure writes the schema of a struct.
func (in *inferrer) structure(t reflect.Type, nullable bool) error {
	first := len(in.fields)
	all, err := collect(in.fields, t, field{}, nil, !in.output)
	if err != nil {
		return err
	}
	in.fields = all
	defer func() { in.fields = in.fields[:first] }()
	defer in.withoutRules()()
	fields := dominant(all[first:])
	closed := !in.anything && (!in.form || in.depth > 1)
	in.typ("object", nullable, nil)
	if len(fields) > 0 {
		in.key("properties")
		in.open()
		for i := range fields {
			if err := in.property(&fields[i]); err != nil {
				return inField(fields[i].place, err)
			}
		}
		in.close()
	}
	in.required(fields)
	if !closed {
		return nil
	}
	in.key("additionalProperties")
	in.buf = append(in.buf, "false"...)
	defer in.leave()
	return in.enter()
}

func (in *inferrer) required(fields []field) {
	begun := false
	for i := range fields {
		if fields[i].optional {
			continue
		}
		if begun {
			in.buf = append(in.buf, ',')
		} else {
			in.key("required")
			in.buf = append(in.buf, '[')
		}
		begun = true
		in.buf = jsonrpc.AppendString(in.buf, fields[i].name)
	}
	if begun {
		in.buf = append(in.buf, ']')
	}
}

// property writes the property that f describes.
func (in *inferrer) property(f *field) error {
	if in.buf[len(in.buf)-1] != '{' {
		in.buf = append(in.buf, ',')
	}
	in.buf = append(jsonrpc.AppendString(in.buf, f.name), ':')
	start := len(in.buf)
	in.open()
	tags, err := parseTags(f.tag)
	if err != nil {
		return err
	}
	f.optional = f.optional || tags.defaultValue.given
	in.rules, in.described = tags.rules, tags.description.given
	if f.quoted {
		err = in.quoted(f.typ)
	} else {
		err = in.keywords(f.typ, false)
	}
	if err == nil {
		err = in.rules.check(f.typ)
	}
	if err != nil {
		return err
	}
	rules := in.buf[start:]
	if tags.description.given {
		if err := in.description(tags.description.text, f); err != nil {
			return fmt.Errorf("tag jsonschema: %w", err)
		}
	}
	if tags.defaultValue.given {
		literal, err := in.literal(rules, start, tags.defaultValue.text)
		if err != nil {
			return fmt.Errorf("tag default: %w", err)
		}
		in.key("default")
		in.buf = append(in.buf, literal...)
	}
	if is := tags.sensitive; is.given {
		if is.text != "true" && is.text != "false" {
			return fmt.Errorf("tag sensitive: it is true or false, got %q", is.text)
		}
		in.key("x-sensitive")
		in.buf = append(in.buf, is.text...)
	}
	// The annotation comes last: what is before it is compiled alone, for the
	// other tags, and there its place would be wrong.
	if tags.header.given {
		if in.config {
			return errors.New("tag header is for the input of a tool")
		}
		in.headers = true
		if err := in.text("x-mcp-header", tags.header.text); err != nil {
			return fmt.Errorf("tag header: %w", err)
		}
	}
	in.close()
	if in.config && in.depth == 1 {
		in.settings = append(in.settings, in.setting(f, start))
	}
	return nil
}

// description writes the description of f. It refuses the key=value form in
// which other libraries write the tag: it would become a description that
// misleads.
func (in *inferrer) description(text string, f *field) error {
	word, _, _ := strings.Cut(text, " ")
	if text == "" || strings.Contains(word, "=") {
		return fmt.Errorf("it is the description and nothing else, got %q", text)
	}
	if isDuration := indirect(f.typ) == durationType && !f.quoted && !in.config; isDuration && !strings.Contains(text, "nanosecond") {
		text += " (" + nanoseconds + ")"
	}
	return in.text("description", text)
}
