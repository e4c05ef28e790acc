// Command modules tests Go modules two at a time, and prints the events of go test
// -json, one on each line, as gotestsum reads them. While the last packages of one
// module wait for other programs, the packages of another use the processors.
//
// The race detector needs cgo; without it the tests run all the same.
//
//	modules folder...
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// atOnce is how many modules are tested at a time.
const atOnce = 2

func main() {
	ctx := context.Background()
	args, err := arguments(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "modules:", err)
		os.Exit(2)
	}
	out := &lines{w: os.Stdout}
	var failed atomic.Bool
	var lanes sync.WaitGroup
	modules := make(chan string)
	for range atOnce {
		lanes.Go(func() {
			for module := range modules {
				if err := test(ctx, module, args, out); err != nil {
					fmt.Fprintf(os.Stderr, "modules: %s: %v\n", module, err)
					failed.Store(true)
				}
			}
		})
	}
	for _, module := range os.Args[1:] {
		modules <- module
	}
	close(modules)
	lanes.Wait()
	if failed.Load() {
		os.Exit(1)
	}
}

// arguments returns the arguments of go test. Twice as many packages as processors
// run at a time, because many tests wait for other programs. The timeout ends a test
// that hangs; a busy machine may need more than the usual ten minutes for the package
// that builds and installs the command.
func arguments(ctx context.Context) ([]string, error) {
	packages := max(1, 2*runtime.NumCPU()/atOnce)
	args := []string{"test", "-json", "-p", strconv.Itoa(packages), "-timeout", "30m"}
	cgo, err := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	if string(bytes.TrimSpace(cgo)) == "1" {
		args = append(args, "-race")
	} else {
		fmt.Fprintln(os.Stderr, "modules: the race detector is off, because cgo is: install a C compiler")
	}
	return append(args, "./..."), nil
}

func test(ctx context.Context, module string, args []string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	reader := bufio.NewReader(events)
	for {
		line, err := reader.ReadBytes('\n')
		if _, failure := out.Write(line); failure != nil {
			return errors.Join(failure, cmd.Process.Kill(), cmd.Wait())
		}
		if err != nil {
			break
		}
	}
	return cmd.Wait()
}

// lines passes whole lines of several writers on to one.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}
