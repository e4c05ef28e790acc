package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// By hand: a million calls of 100 ms with 1 GB are 100,000 GB-seconds.
func TestCosts(t *testing.T) {
	t.Parallel()
	var c costs
	const text = `{"prices": [{"key": "requests", "usd": 0.2}, {"key": "compute", "usd": 0.00001}, {"key": "transfer", "usd": 0.1},
		{"key": "logs", "usd": 0.5}, {"key": "database", "usd": 0.02}, {"key": "secret", "usd": 0.4}]}`
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	d := deployment{
		MemoryMB: 1024, Milliseconds: 100, AnswerBytes: 2000, LogBytes: 1000,
		Hourly: map[string]float64{"database": 1}, Monthly: map[string]float64{"secret": 2},
	}
	if got, want := c.perMillion(d), 0.2+1.0+0.2+0.5; math.Abs(got-want) > 1e-9 {
		t.Errorf("a million calls cost %v, want %v", got, want)
	}
	if got, want := c.fixed(d), 14.6+0.8; math.Abs(got-want) > 1e-9 {
		t.Errorf("a month without calls costs %v, want %v", got, want)
	}
}

// Every price that a server of the page needs is there.
func TestCostsPage(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	page, err := costsPage(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| **weather**: a tool without state | 0.00 |", "1,000,000 calls", "| Lambda, arm64 | 0.0000133334 |"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}
