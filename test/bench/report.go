package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
)

func newReport() *report {
	goVersion, experiment, _ := strings.Cut(runtime.Version(), " X:")
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "GOEXPERIMENT" {
				experiment = setting.Value
			}
		}
	}
	return &report{
		Go:         goVersion,
		Experiment: cmp.Or(experiment, "none"),
		Platform:   runtime.GOOS + "/" + runtime.GOARCH,
		Processors: runtime.NumCPU(),
	}
}

// title says what a row measures.
func title(row string) string {
	titles := map[string]string{
		"call-text-1":    "tools/call: typed in, text out (1 tool)",
		"call-text-100":  "tools/call: typed in, text out (100 tools)",
		"call-text-1000": "tools/call: typed in, text out (1,000 tools)",
		guardedRow:       "tools/call: with an access token that has been seen before",
		operatedRow:      "tools/call: with telemetry (one span of ten), audit and limits",
		"call-struct":    "tools/call: typed in, struct out",
		"call-progress":  "tools/call: three progress notifications, as an event stream",
		"list-1":         "tools/list: 1 tool",
		"list-100":       "tools/list: 100 tools",
	}
	name, isHandshake := strings.CutSuffix(row, "-"+handshakeVersion)
	if isHandshake {
		return titles[name] + ", version " + handshakeVersion
	}
	return titles[name]
}

// print writes the tables and the verdict.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, GOEXPERIMENT %s, %s, %d processors; servers run with GOMAXPROCS=1\n", r.Go, r.Experiment, r.Platform, r.Processors)
	fmt.Fprintf(w, "each figure is the median of its rounds; ×plain is the median of the ratios to plain within a round\n")
	for _, row := range r.measuredRows("") {
		if err := r.printRow(w, row); err != nil {
			return err
		}
	}
	if err := r.printSetups(w); err != nil {
		return err
	}
	if err := r.printBinaries(w); err != nil {
		return err
	}
	if err := r.printLambda(w); err != nil {
		return err
	}
	if err := r.printClients(w); err != nil {
		return err
	}
	if err := r.printBridges(w); err != nil {
		return err
	}
	return r.printVerdict(w)
}

// table returns a writer of right-aligned columns and the line it starts with.
func table(w io.Writer, title string, columns ...string) *tabwriter.Writer {
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\t"+strings.Join(columns, "\t")+"\t")
	return t
}

func (r *report) printRow(w io.Writer, row string) error {
	t := table(w, title(row), "req/s", "×plain", "CPU µs/req", "×plain", "| ns/req", "×plain", "B/req", "×plain", "allocs", "bytes out")
	base := r.row(plainName, row)
	measured, err := findRow(row)
	if err != nil {
		return err
	}
	for _, s := range measured.rivals() {
		x := r.row(s.name, row)
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.1f\t%.2f\t%.0f\t%.2f\t%.0f\t%.2f\t%.0f\t%d\t\n", s.title(),
			median(x.HTTP, perSecond), ratio(x.HTTP, base.HTTP, perSecond),
			median(x.HTTP, cpu), ratio(x.HTTP, base.HTTP, cpu),
			median(x.InProcess, nanoseconds), ratio(x.InProcess, base.InProcess, nanoseconds),
			median(x.InProcess, bytesOf), ratio(x.InProcess, base.InProcess, bytesOf),
			median(x.InProcess, allocs), x.Size)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	for _, s := range measured.rivals() {
		// Above this the load holds the server up: requests per second are then
		// a lower bound, and only the CPU figures compare the servers.
		if s.lossy && row == "call-progress" {
			fmt.Fprintf(w, "  (%s: may lose a notification now and then)\n", s.name)
		}
		if busy := median(r.row(s.name, row).HTTP, loadBusy); busy > 0.95 {
			fmt.Fprintf(w, "  (%s: the load was %.0f %% busy, req/s is a lower bound)\n", s.name, 100*busy)
		}
	}
	return nil
}

func (r *report) printSetups(w io.Writer) error {
	if len(r.Setups) == 0 {
		return nil
	}
	t := table(w, "building a server with 100 tools", "first µs", "×plain", "repeated µs", "×plain", "B", "allocs")
	base := r.setup(plainName)
	for _, s := range rivals() {
		x := r.setup(s.name)
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.0f\t%.2f\t%.0f\t%.0f\t\n", s.title(),
			median(x.First, identity), ratio(x.First, base.First, identity),
			median(x.Repeated, nanoseconds)/1000, ratio(x.Repeated, base.Repeated, nanoseconds),
			median(x.Repeated, bytesOf), median(x.Repeated, allocs))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

func (r *report) setup(rival string) *setupCost {
	for _, x := range r.Setups {
		if x.Rival == rival {
			return x
		}
	}
	return nil
}

func (r *report) printBinaries(w io.Writer) error {
	if len(r.Binaries) == 0 {
		return nil
	}
	t := table(w, "binary of a minimal weather server (stripped)", "MiB", "over plain")
	for _, x := range r.Binaries {
		fmt.Fprintf(t, "%s\t%s\t%+.2f\t\n", x.Rival, strconv.FormatFloat(mebibytes(x.Size), 'f', 2, 64), r.overPlain(x.Rival))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

func (r *report) printLambda(w io.Writer) error {
	for _, tools := range []int{1, 100} {
		base := r.function(plainName, tools)
		if base == nil {
			continue
		}
		t := table(w, fmt.Sprintf("AWS Lambda, on a stand-in: tools/call, typed in, text out (tools: %d)", tools), "CPU µs/call", "×plain", "start ms", "over plain")
		for _, name := range lambdaRivals {
			x := r.function(name, tools)
			fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.1f\t%+.1f\t\n", name,
				median(x.CPU, identity), ratio(x.CPU, base.CPU, identity), median(x.Start, identity), difference(x.Start, base.Start))
		}
		if err := t.Flush(); err != nil {
			return fmt.Errorf("print table: %w", err)
		}
	}
	return nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// overPlain returns how many MiB the rival's binary has over the plain one.
func (r *report) overPlain(rival string) float64 {
	var size, base int64
	for _, x := range r.Binaries {
		if x.Rival == rival {
			size = x.Size
		}
		if x.Rival == plainName {
			base = x.Size
		}
	}
	return mebibytes(size - base)
}
