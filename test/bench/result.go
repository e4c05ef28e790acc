package main

import (
	"slices"
	"strings"
)

// A report is everything one run has measured, raw.
type report struct {
	Go         string          `json:"go"`
	Experiment string          `json:"goexperiment"`
	Platform   string          `json:"platform"`
	Processors int             `json:"processors"`
	Rows       []*rowResult    `json:"rows"`
	Setups     []*setupCost    `json:"setups"`
	Binaries   []binary        `json:"binaries"`
	Lambda     []*lambdaResult `json:"lambda"`
	Clients    []*clientResult `json:"clients"`
	Bridges    []*bridgeResult `json:"bridges"`
}

// A rowResult has the figures of one server for one row, round by round. Rounds
// with the same index ran next to each other, so ratios are taken within them.
type rowResult struct {
	Row       string      `json:"row"`
	Rival     string      `json:"rival"`
	Size      int         `json:"response_bytes"`
	HTTP      []round     `json:"http"`
	InProcess []inProcess `json:"in_process"`
}

// A round is a stretch of requests to one server over HTTP.
type round struct {
	Requests  int     `json:"requests"`
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"`    // the server's, per request
	LoadBusy  float64 `json:"load_busy"` // share of a processor the load took
}

// A setupCost is the cost of building a server with its tools.
type setupCost struct {
	Row      string      `json:"row"`
	Rival    string      `json:"rival"`
	First    []float64   `json:"first_us"` // the first in a fresh process
	Repeated []inProcess `json:"repeated"`
}

// A binary is a minimal weather server, built and stripped.
type binary struct {
	Rival string `json:"rival"`
	Size  int64  `json:"bytes"`
}

// A lambdaResult has the figures of a function with so many tools.
type lambdaResult struct {
	Rival string    `json:"rival"`
	Tools int       `json:"tools"`
	CPU   []float64 `json:"cpu_us"`   // of a warm invocation
	Start []float64 `json:"start_ms"` // from exec to the first question for an invocation
}

func perSecond(r round) float64       { return r.PerSecond }
func cpu(r round) float64             { return r.CPU }
func loadBusy(r round) float64        { return r.LoadBusy }
func nanoseconds(p inProcess) float64 { return p.Nanoseconds }
func bytesOf(p inProcess) float64     { return p.Bytes }
func allocs(p inProcess) float64      { return p.Allocs }
func identity(f float64) float64      { return f }

// row returns the result of a rival in a row, or nil if it was not measured.
func (r *report) row(rival, row string) *rowResult {
	i := slices.IndexFunc(r.Rows, func(x *rowResult) bool { return x.Rival == rival && x.Row == row })
	if i < 0 {
		return nil
	}
	return r.Rows[i]
}

// function returns the result of a rival with so many tools, or nil.
func (r *report) function(rival string, tools int) *lambdaResult {
	i := slices.IndexFunc(r.Lambda, func(x *lambdaResult) bool { return x.Rival == rival && x.Tools == tools })
	if i < 0 {
		return nil
	}
	return r.Lambda[i]
}

// measuredRows returns the names of the rows measured that begin with prefix.
func (r *report) measuredRows(prefix string) []string {
	var names []string
	for _, x := range r.Rows {
		if strings.HasPrefix(x.Row, prefix) && !slices.Contains(names, x.Row) {
			names = append(names, x.Row)
		}
	}
	return names
}

// median returns the middle of a figure over the rounds.
func median[T any](rounds []T, figure func(T) float64) float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = figure(r)
	}
	return middle(values)
}

// ratio returns the middle of the ratios within each pair of rounds.
func ratio[T any](rounds, base []T, figure func(T) float64) float64 {
	values := make([]float64, min(len(rounds), len(base)))
	for i := range values {
		values[i] = figure(rounds[i]) / figure(base[i])
	}
	return middle(values)
}

// difference returns the middle of the differences within each pair of rounds.
func difference(rounds, base []float64) float64 {
	values := make([]float64, min(len(rounds), len(base)))
	for i := range values {
		values[i] = rounds[i] - base[i]
	}
	return middle(values)
}

func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
