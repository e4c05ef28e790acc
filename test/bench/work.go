package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// A kind says what the tools of a server do.
type kind int

const (
	text       kind = iota // a city in, one text out
	structured             // a city in, structured content and its text out
	progress               // as text, with three progress notifications before
)

// A setup describes the tools of a server under test.
type setup struct {
	kind  kind
	tools int
}

// Place is the input of every tool.
type Place struct {
	City string `json:"city" jsonschema:"the city to ask about"`
}

// Weather is the output of the structured tools.
type Weather struct {
	City      string  `json:"city" jsonschema:"the city asked about"`
	Condition string  `json:"condition" jsonschema:"the sky in one word"`
	Celsius   float64 `json:"celsius" jsonschema:"temperature in degrees Celsius"`
	Humidity  int     `json:"humidity" jsonschema:"relative humidity in percent"`
}

const (
	city            = "Reykjavík"
	toolDescription = "Tells the weather in a city."
	progressSteps   = 3
)

func toolName(i int) string       { return fmt.Sprintf("get_weather_%04d", i) }
func forecast(city string) string { return "Light rain in " + city + ", 9 °C." }
func measured(city string) Weather {
	return Weather{City: city, Condition: "rain", Celsius: 9.5, Humidity: 81}
}
func stepMessage(step int) string { return "station " + strconv.Itoa(step) }

// A row is one kind of request to one setup. It is a row of the tables.
type row struct {
	name    string
	setup   setup
	request wire.Request
	check   func([]wire.Message) error
}

// called is the tool in the middle.
func (s setup) called() string { return toolName(s.tools / 2) }

// groups returns the rows by the table they are printed in. The rows of one
// group are measured interleaved, so that they can be compared too.
func groups() [][]row {
	return [][]row{
		{callRow("call-text-1", setup{text, 1}), callRow("call-text-100", setup{text, 100}), callRow("call-text-1000", setup{text, 1000})},
		{guardedCall()},
		{callRow(operatedRow, setup{text, 1})},
		{callRow("call-struct", setup{structured, 1})},
		{callRow("call-progress", setup{progress, 1})},
		{listRow("list-1", setup{text, 1}), listRow("list-100", setup{text, 100})},
		{inHandshake(callRow("call-text-1", setup{text, 1})), inHandshake(callRow("call-text-1000", setup{text, 1000}))},
		{inHandshake(callRow("call-struct", setup{structured, 1}))},
		{inHandshake(listRow("list-100", setup{text, 100}))},
	}
}

// handshakeVersion is the handshake version that is measured.
const handshakeVersion = "2025-11-25"

// inHandshake returns the row in handshakeVersion.
func inHandshake(r row) row {
	r.name += "-" + handshakeVersion
	r.request.Handshake = handshakeVersion
	return r
}

func (r row) hasHandshake() bool { return r.request.Handshake != "" }

func findRow(name string) (row, error) {
	for _, group := range groups() {
		for _, r := range group {
			if r.name == name {
				return r, nil
			}
		}
	}
	return row{}, errors.New("no row " + name)
}

func callRow(name string, s setup) row {
	request := wire.CallTool(1, s.called(), map[string]any{"city": city})
	checks := map[kind]func([]wire.Message) error{text: checkText, structured: checkStructured, progress: checkProgress}
	if s.kind == progress {
		request.Meta = map[string]any{"progressToken": "p1"}
	}
	return row{name, s, request, checks[s.kind]}
}

func listRow(name string, s setup) row {
	request := wire.Request{ID: 1, Method: "tools/list"}
	return row{name, s, request, func(messages []wire.Message) error { return checkList(messages, s.tools) }}
}
