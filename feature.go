package mcpengine

import (
	"errors"
	"fmt"
	"slices"
)

// A Feature is a tool, a resource, a resource template, a prompt or a method of an
// extension as a value, made by [NewTool], [NewResource], [NewPrompt] or
// [NewMethod]. It never changes, and may be added to several engines.
type Feature struct{ spec spec }

// Kind returns "tool", "resource", "template", "prompt" or "method".
func (f Feature) Kind() string {
	if f.spec == nil {
		return ""
	}
	return f.spec.kind()
}

// Name returns the name, the URI, the URI template or the method that the feature
// is registered by.
func (f Feature) Name() string {
	if f.spec == nil {
		return ""
	}
	return f.spec.key()
}

// A spec is a feature that belongs to no engine yet. To bind it finds every
// fault of the feature and of its options. The extension is nil for a feature that
// the program adds itself.
type spec interface {
	kind() string
	key() string
	bind(*Engine, *extension) (registered, error)
}

// A registered is a feature that belongs to an engine.
type registered interface {
	listed
	addTo(*catalog) error // errTaken or what wraps it
	removeFrom(*catalog)
	list() change // that it stands in
}

var (
	errNoFeature = errors.New("the zero Feature cannot be added")
	errNoHandler = errors.New("there is no handler")
	errTaken     = errors.New("it is taken")
)

// taken is the error for a name that a feature has.
func taken(by *feature) error {
	if by.owner == "" {
		return errTaken
	}
	return fmt.Errorf("%w by the extension %s", errTaken, by.owner)
}

// Add adds features, all of them or none. The error names the feature that
// cannot be added: its name is taken or not valid, its schema is not valid or
// cannot be inferred from its types, or its options contradict each other or
// the engine. Add never panics, so that a program can add features whose names
// come from outside.
func (e *Engine) Add(features ...Feature) error {
	failed, err := e.add(features, nil)
	if err != nil {
		return fmt.Errorf("add %s %.128q: %w", failed.Kind(), failed.Name(), err)
	}
	return nil
}

// mustAdd is [Engine.Add] for the functions that panic.
func (e *Engine) mustAdd(function string, f Feature) {
	if _, err := e.add([]Feature{f}, nil); err != nil {
		panic(fmt.Sprintf("mcpengine: %s(%q): %v", function, f.Name(), err))
	}
}

// An addition is an extension that is added together with features. Its function
// puts it into the catalog; as a value, it is linked only where there are
// extensions.
type addition struct {
	*extension
	put func(*catalog) error
}

// add adds an extension, unless it is nil, and features. A failure of the
// extension itself names no feature.
func (e *Engine) add(features []Feature, a *addition) (failed Feature, err error) {
	var x *extension
	if a != nil {
		x = a.extension
	}
	bound := make([]registered, len(features))
	for i, f := range features {
		if f.spec == nil {
			return f, errNoFeature
		}
		if bound[i], err = f.spec.bind(e, x); err != nil {
			return f, err
		}
		if x != nil {
			bound[i].base().owner = x.id
		}
	}
	if i, err := e.registry.add(bound, a); i >= 0 {
		return features[i], err
	} else if err != nil {
		return Feature{}, err
	}
	for _, r := range bound {
		e.listChanged(r.list(), r)
	}
	return Feature{}, nil
}

// add adds the extension, unless it is nil, and all features, or nothing. It
// returns the index of the feature that cannot be added, and -1 for the extension.
func (r *registry) add(features []registered, a *addition) (failed int, err error) {
	failed = -1
	r.edit(func(c *catalog) bool {
		before := c.offer
		if a != nil {
			if err = a.put(c); err != nil {
				c.offer = before
				return false
			}
		}
		for i, f := range features {
			if err = c.meets(f.base()); err == nil {
				err = f.addTo(c)
			}
			if err == nil {
				continue
			}
			for _, added := range slices.Backward(features[:i]) {
				added.removeFrom(c)
			}
			c.offer = before
			failed = i
			return false
		}
		return len(features) > 0 || a != nil
	})
	return failed, err
}

// Remove removes the features of the same kinds and names. Unknown ones and
// methods of extensions are ignored. Calls under way go on.
func (e *Engine) Remove(features ...Feature) {
	for _, f := range features {
		switch f.Kind() {
		case kindTool:
			e.RemoveTools(f.Name())
		case kindResource, kindTemplate:
			e.RemoveResources(f.Name())
		case kindPrompt:
			e.RemovePrompts(f.Name())
		}
	}
}

// Kinds of features.
const (
	kindTool     = "tool"
	kindResource = "resource"
	kindTemplate = "template"
	kindPrompt   = "prompt"
	kindMethod   = "method"
)
