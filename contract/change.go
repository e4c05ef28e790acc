package contract

import (
	"cmp"
	"fmt"
	"slices"
)

// A Class says how much a change matters.
type Class int

// The classes, from the least to the most serious.
const (
	// Compatible: everything that worked works as before.
	Compatible Class = iota
	// Notice: a text that models read has changed, but no call fails.
	Notice
	// Security: who may use a feature, or what a view may do, has changed.
	Security
	// Breaking: a call that worked may fail, or hosts that approve tools by their
	// annotations approve something else.
	Breaking
)

var classNames = []string{"compatible", "notice", "security", "breaking"}

// String returns the name of the class.
func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("Class(%d)", int(c))
	}
	return classNames[c]
}

// MarshalText implements [encoding.TextMarshaler].
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Class) UnmarshalText(text []byte) error {
	i := slices.Index(classNames, string(text))
	if i < 0 {
		return fmt.Errorf("%.32q is not a class: breaking, security, notice or compatible", text)
	}
	*c = Class(i)
	return nil
}

// A Change is one difference between two locks.
type Change struct {
	Class Class `json:"class"`

	// Kind is "server", "extension", "tool", "prompt", "resource" or "template".
	Kind string `json:"kind"`

	// Name is the name of the feature, or the ID of the extension; empty for the
	// server.
	Name string `json:"name,omitempty"`

	// Path is a JSON Pointer (RFC 6901) into the definition of the feature; empty
	// when the change is about the whole feature.
	Path string `json:"path,omitempty"`

	// Text says what changed, such as `new required argument "days"`.
	Text string `json:"text"`

	// Tokens is how many tokens more, or less, a model reads, by estimate. It
	// is 0 when no text changed.
	Tokens int `json:"tokens,omitempty"`
}

// subject names the feature.
func (c Change) subject() string {
	if c.Name == "" {
		return c.Kind
	}
	return c.Kind + " " + c.Name
}

// Changes are the differences between two locks, the most serious first.
type Changes []Change

// Worst returns the most serious class, [Compatible] when nothing has changed.
func (c Changes) Worst() Class {
	worst := Compatible
	for _, change := range c {
		worst = max(worst, change.Class)
	}
	return worst
}

// Count returns how many changes have the class.
func (c Changes) Count(class Class) (n int) {
	for _, change := range c {
		if change.Class == class {
			n++
		}
	}
	return n
}

// sort puts the most serious changes first, and keeps features together.
func (c Changes) sort() {
	slices.SortStableFunc(c, func(a, b Change) int {
		return cmp.Or(-cmp.Compare(a.Class, b.Class), cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)), cmp.Compare(a.Name, b.Name))
	})
}

func kindOrder(kind string) int {
	return slices.Index([]string{"server", "extension", "tool", "prompt", "resource", "template"}, kind)
}
