// Command testdigest tests Go modules and prints what a reader wants to know:
// a line for each package, every failure in full, and which tests were skipped
// and why.
//
//	go run ./internal/testdigest [module folder ...]
//
// Its last line is "N passed, N failed, N skipped", counting tests and subtests
// as go test does. It exits with 1 when a test failed or, with CI=true in the
// environment, when one was skipped: what CI does not run, nobody runs.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ci := os.Getenv("CI") == "true"
	ok, err := run(ctx, os.Args[1:], ci, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "testdigest: error: %v\n", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run tests the module in each folder and reports whether all is well.
func run(ctx context.Context, folders []string, ci bool, stdout, stderr io.Writer) (bool, error) {
	if len(folders) == 0 {
		folders = []string{"."}
	}
	d := newDigest(stdout)
	race, err := raceDetector(ctx)
	if err != nil {
		return false, err
	}
	args := []string{"test", "-json"}
	if race {
		args = append(args, "-race")
	} else {
		d.skip("race detector: cgo is off; install a C compiler")
	}
	args = append(args, "./...")
	for _, folder := range folders {
		if err := testModule(ctx, d, folder, args, stderr); err != nil {
			return false, err
		}
	}
	return d.close(ci), nil
}

// testModule runs go with args in a module's folder and feeds its events to d.
func testModule(ctx context.Context, d *digest, folder string, args []string, stderr io.Writer) error {
	before := d.failed
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	cmd.Stderr = stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("test %s: %w", folder, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("test %s: %w", folder, err)
	}
	readErr := d.read(events)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("test %s: %w", folder, ctx.Err())
	}
	if readErr != nil {
		return fmt.Errorf("test %s: %w", folder, readErr)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("test %s: %w", folder, err)
	case d.failed == before:
		// go test gave up before it could name a package: a broken go.mod,
		// no packages. The reason went to stderr.
		d.fail(fmt.Sprintf("FAIL\tgo test in %s: %v", folder, exit))
	}
	return nil
}

// raceDetector reports whether go test -race can work: it needs cgo, which the
// go command turns off when it finds no C compiler.
func raceDetector(ctx context.Context) (bool, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED").Output()
	if err != nil {
		return false, fmt.Errorf("ask go for CGO_ENABLED: %w", err)
	}
	return string(bytes.TrimSpace(out)) == "1", nil
}
