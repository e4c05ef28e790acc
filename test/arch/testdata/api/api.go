// Package api breaks the rule in every way, next to what is allowed.
package api

import (
	"net/http"

	"github.com/mcpengine/mcpengine/test/arch/testdata/internal/hidden"
)

type (
	Aliased = hidden.T
	alias   = hidden.T
	Shown   = http.Header
)

type Struct struct {
	hidden.T
	Field []hidden.T
	own   hidden.T
}

type Interface interface{ Do(map[string]hidden.T) }

type Constraint interface{ ~int | []hidden.T }

type Indirect map[string]chan *hidden.T

type Option func(*own)

var Value *hidden.T

var Err = make([]hidden.T, 1)

const Mode = hidden.On

func Do(...hidden.T) Shown { return nil }

func Generic[T interface{ ~[]hidden.T }]() {}

func Through() alias { return alias{} }

func Returns() *returned { return nil }

type returned struct {
	Field hidden.T
	field hidden.T
}

func (s *Struct) Method() (hidden.T, error) { return s.own, nil }

func (s *Struct) own2(hidden.T) { var t hidden.T; _ = t }

type own struct{ field hidden.T }

func (own) method(hidden.T) {}
