package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An event is one line of go test -json ("go doc test2json", and "go help
// buildjson" for the output of a build).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	ImportPath  string
	FailedBuild string
}

// A digest folds the events of go test -json into a readable account. It holds
// the output of what still runs and forgets that of a test that passed.
type digest struct {
	out      io.Writer
	packages map[string]*packageRun
	builds   map[string]*strings.Builder // by ImportPath
	skips    []string
	passed   int
	failed   int
	skipped  int
	excused  int // of those skipped
}

// outOfReach begins the reason of a skip that nobody can do anything about:
// what the test needs is on a network that the machine does not reach. Such a
// skip is no failure in CI either.
const outOfReach = "out of reach: "

// A packageRun is a package whose tests still run.
type packageRun struct {
	output string            // outside of any test
	tests  map[string]string // output of each test that has not ended
	failed bool              // a test of it failed
}

func newDigest(out io.Writer) *digest {
	return &digest{
		out:      out,
		packages: map[string]*packageRun{},
		builds:   map[string]*strings.Builder{},
	}
}

// read folds in the events of one go test -json until its output ends.
func (d *digest) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				d.add(e)
			} else {
				// A test binary may write to the stdout it shares with go.
				fmt.Fprintf(d.out, "%s", line)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read test events: %w", err)
		}
	}
}

func (d *digest) add(e event) {
	switch {
	case e.Action == "build-output":
		b := d.builds[e.ImportPath]
		if b == nil {
			b = new(strings.Builder)
			d.builds[e.ImportPath] = b
		}
		b.WriteString(e.Output)
	case e.Package == "":
	case e.Test != "":
		d.addTest(d.run(e.Package), e)
	default:
		d.addPackage(d.run(e.Package), e)
	}
}

func (d *digest) run(name string) *packageRun {
	p := d.packages[name]
	if p == nil {
		p = &packageRun{tests: map[string]string{}}
		d.packages[name] = p
	}
	return p
}

func (d *digest) addTest(p *packageRun, e event) {
	switch e.Action {
	case "output":
		p.tests[e.Test] += e.Output
		return
	case "pass":
		d.passed++
	case "fail":
		p.failed = true
		d.fail(output(p.tests[e.Test]))
	case "skip":
		d.skip(fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(p.tests[e.Test])))
	default: // run, pause, cont, bench
		return
	}
	delete(p.tests, e.Test)
}

func (d *digest) addPackage(p *packageRun, e event) {
	switch e.Action {
	case "output":
		p.output += e.Output
		return
	case "pass", "skip": // skip: a package without tests
		d.println(lastLine(p.output))
	case "fail":
		d.failPackage(p, e)
	default: // start
		return
	}
	delete(d.packages, e.Package)
}

// failPackage prints what the failed tests of a package did not: the build that
// broke, the tests a crash cut short, the package's own line.
func (d *digest) failPackage(p *packageRun, e event) {
	var text strings.Builder
	if b := d.builds[e.FailedBuild]; b != nil {
		text.WriteString(b.String())
		b.Reset() // printed once for all packages it breaks
	}
	for _, test := range slices.Sorted(maps.Keys(p.tests)) {
		text.WriteString(output(p.tests[test]))
	}
	text.WriteString(p.output)
	if p.failed {
		d.println(text.String())
		return
	}
	d.fail(text.String()) // no test of it could be counted
}

// fail counts a failure and prints its text.
func (d *digest) fail(text string) {
	d.failed++
	d.println(text)
}

// skip counts a skip and keeps its line for the end.
func (d *digest) skip(line string) {
	d.skipped++
	if strings.Contains(line, outOfReach) {
		d.excused++
	}
	d.skips = append(d.skips, line)
}

// close prints the skips and the closing line, and reports whether all is well.
func (d *digest) close(ci bool) bool {
	if d.skipped > 0 {
		d.println("\nskipped:")
		for _, line := range d.skips {
			d.println("  " + line)
		}
		if ci {
			d.println("with CI=true a skip is a failure, unless what it needs is out of reach")
		}
	}
	fmt.Fprintf(d.out, "\n%d passed, %d failed, %d skipped\n", d.passed, d.failed, d.skipped)
	return d.failed == 0 && (d.skipped == d.excused || !ci)
}

func (d *digest) println(text string) {
	if text = strings.TrimRight(text, "\n"); text != "" {
		fmt.Fprintln(d.out, text)
	}
}

// output is a test's output without the lines that only say where it is.
func output(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "=== ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// reason is what a skipped test said, without the lines go test puts around it.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// lastLine is the last line of a package's output: go's own verdict on it.
func lastLine(text string) string {
	text = strings.TrimRight(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}
