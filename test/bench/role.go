package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"testing"
	"time"
)

// setupAnswer is what the setup role prints.
type setupAnswer struct {
	First    float64   `json:"first_us"`
	Repeated inProcess `json:"repeated"`
}

// runRole runs one of the roles this program starts itself in: "client", which
// [clientChild] describes, and "serve", "answer" (which prepares answers to calls),
// "inprocess" and "setup", each followed by the names of a rival and a row and,
// for the latter two, how long to measure. It reports false when args name no
// role.
func runRole(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) (bool, error) {
	if len(args) < 3 {
		return false, nil
	}
	role, benchTime := args[0], args[3:]
	if role == "client" {
		return true, clientChild(ctx, args[1:], stdout)
	}
	if role != "serve" && role != "answer" && role != "inprocess" && role != "setup" {
		return false, nil
	}
	r, err := findRow(args[2])
	if err != nil {
		return true, err
	}
	s, err := r.rival(args[1])
	if err != nil {
		return true, err
	}
	if role == "serve" || role == "answer" {
		return true, serveChild(ctx, s, r, role == "answer", stdin, stdout)
	}
	testing.Init()
	if err := flag.Set("test.benchtime", benchTime[0]); err != nil {
		return true, fmt.Errorf("set benchmark time: %w", err)
	}
	var output any
	if role == "inprocess" {
		output, err = benchmarkHandler(s, r)
	} else {
		output = firstAndRepeated(s, r)
	}
	if err != nil {
		return true, err
	}
	if err := json.NewEncoder(stdout).Encode(output); err != nil {
		return true, fmt.Errorf("print measurement: %w", err)
	}
	return true, nil
}

func firstAndRepeated(s rival, r row) setupAnswer {
	start := time.Now()
	s.serve(r.setup)
	first := time.Since(start)
	return setupAnswer{float64(first) / float64(time.Microsecond), benchmark(func() { s.serve(r.setup) })}
}
