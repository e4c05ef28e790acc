// Package api breaks the rule in every way, next to what is allowed.
package api

import (
	"example.com/internal/hidden"
	"example.com/shown"
)

type (
	Aliased = hidden.T
	alias   = hidden.T
	Shown   = shown.T
)

type Struct struct {
	hidden.T
	Field []hidden.T
	own   hidden.T
}

type Interface interface{ Do(map[string]hidden.T) }

var Value *hidden.T

func Do(...hidden.T) shown.T { return shown.T{} }

func (s *Struct) Method() (hidden.T, error) { return hidden.T{}, nil }

func (s *Struct) own2(hidden.T) { var t hidden.T; _ = t }

type own struct{ Field hidden.T }

func (own) Method(hidden.T) {}
