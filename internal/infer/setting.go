package infer

import (
	"reflect"
	"slices"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// A Setting is a field of a configuration.
type Setting struct {
	Field
	Place    string // in Go, such as "Database.URL"
	Schema   *schema.Schema
	Required bool
}

// Settings returns the fields of a struct, as [Input] describes them, but for what
// a person writes: a [time.Duration] is a string in Go's syntax with the format
// go-duration, which JSON Schema does not have, because its format duration is that
// of ISO 8601. The tag format may also be file-path or directory-path.
func Settings(t reflect.Type) ([]Setting, error) {
	_, settings, err := inferAll(t, inferrer{config: true})
	return settings, err
}

// setting returns f, whose schema has been written from start on.
func (in *inferrer) setting(f *field, start int) Setting {
	var forms []schema.Form
	for _, form := range in.forms {
		if form.Pos >= start {
			form.Pos -= start
			forms = append(forms, form)
		}
	}
	return Setting{
		Field:    Field{f.name, f.typ, f.index, f.quoted},
		Place:    f.place,
		Schema:   schema.Inferred(slices.Clone(in.buf[start:]), "", forms),
		Required: !f.optional,
	}
}
