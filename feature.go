package mcpengine

import (
	"errors"
	"fmt"
)

// A Feature is a tool, a resource, a resource template or a prompt as a value,
// made by [NewTool], [NewResource] or [NewPrompt]. It never changes, and may be
// added to several engines.
type Feature struct{ spec spec }

// Kind returns "tool", "resource", "template" or "prompt".
func (f Feature) Kind() string {
	if f.spec == nil {
		return ""
	}
	return f.spec.kind()
}

// Name returns the name, the URI or the URI template that the feature is
// registered by.
func (f Feature) Name() string {
	if f.spec == nil {
		return ""
	}
	return f.spec.key()
}

// A spec is a feature that belongs to no engine yet. To bind it finds every
// fault of the feature and of its options.
type spec interface {
	kind() string
	key() string
	bind(*Engine) (registered, error)
}

// A registered is a feature that belongs to an engine.
type registered interface {
	listed
	addTo(*catalog) bool
	removeFrom(*catalog)
	list() change // that it stands in
}

var (
	errNoFeature = errors.New("the zero Feature cannot be added")
	errNoHandler = errors.New("there is no handler")
	errTaken     = errors.New("it is taken")
)

// Add adds features, all of them or none. The error names the feature that
// cannot be added: its name is taken or not valid, its schema is not valid or
// cannot be inferred from its types, or its options contradict each other or
// the engine. Add never panics, so that a program can add features whose names
// come from outside.
func (e *Engine) Add(features ...Feature) error {
	failed, err := e.add(features)
	if err != nil {
		return fmt.Errorf("add %s %.128q: %w", failed.Kind(), failed.Name(), err)
	}
	return nil
}

// mustAdd is [Engine.Add] for the functions that panic.
func (e *Engine) mustAdd(function string, f Feature) {
	if _, err := e.add([]Feature{f}); err != nil {
		panic(fmt.Sprintf("mcpengine: %s(%q): %v", function, f.Name(), err))
	}
}

func (e *Engine) add(features []Feature) (failed Feature, err error) {
	bound := make([]registered, len(features))
	for i, f := range features {
		if f.spec == nil {
			return f, errNoFeature
		}
		if bound[i], err = f.spec.bind(e); err != nil {
			return f, err
		}
	}
	if i := e.registry.add(bound); i >= 0 {
		return features[i], errTaken
	}
	for _, r := range bound {
		e.listChanged(r.list(), r)
	}
	return Feature{}, nil
}

// add adds all features, or none and returns the index of one whose name is
// taken.
func (r *registry) add(features []registered) (taken int) {
	taken = -1
	r.edit(func(c *catalog) bool {
		for i, f := range features {
			if f.addTo(c) {
				continue
			}
			for _, added := range features[:i] {
				added.removeFrom(c)
			}
			taken = i
			return false
		}
		return len(features) > 0
	})
	return taken
}

// Remove removes the features of the same kinds and names; unknown ones are
// ignored. Calls under way go on.
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
)
