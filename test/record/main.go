// Command record runs commands in a shell on a terminal of its own, and writes what the
// terminal shows as a recording that asciinema plays (asciicast v2). It prints how long
// each command has taken.
//
//	go run ./record -o new.cast ../scripts/record-new.txt
//
// A line of the file is a command; empty lines and lines that begin with # are skipped.
// All commands run in one shell, so that cd and variables last. A command that fails
// ends the recording with an error.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/pty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// settings are what the command line says.
type settings struct {
	output, dir   string
	columns, rows int
	limit         time.Duration
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	flags.StringVar(&s.output, "o", "", "`file` to write the recording to")
	flags.StringVar(&s.dir, "dir", ".", "`folder` that the shell starts in")
	flags.IntVar(&s.columns, "columns", 90, "`width` of the terminal")
	flags.IntVar(&s.rows, "rows", 24, "`height` of the terminal")
	flags.DurationVar(&s.limit, "limit", 0, "`time` that all commands together may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("name the file of the commands")
	}
	commands, err := readCommands(flags.Arg(0))
	if err != nil {
		return err
	}
	var cast strings.Builder
	total, err := record(ctx, s, commands, newCast(&cast, s), out)
	if s.output != "" {
		err = errors.Join(err, os.WriteFile(s.output, []byte(cast.String()), 0o644)) //nolint:gosec // for everybody
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%7.2f s  in all\n", total.Seconds())
	if s.limit > 0 && total > s.limit {
		return fmt.Errorf("the commands took %s, and may take %s", total.Round(10*time.Millisecond), s.limit)
	}
	return nil
}

func readCommands(name string) ([]string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var commands []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			commands = append(commands, line)
		}
	}
	return commands, nil
}

// The shell marks its prompt and the status of a command with the sequences of shell
// integration (OSC 133), which terminals do not show.
const (
	promptMark = "\x1b]133;A\a"
	statusMark = "\x1b]133;D;"
)

// record runs the commands and returns how long they took, without the typing.
func record(ctx context.Context, s settings, commands []string, c *cast, out io.Writer) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-i")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", `PS1=\[`+`\e]133;A\a\]$ `, `PROMPT_COMMAND=printf '\e]133;D;%s\a' $?`, "HISTFILE=", "INPUTRC=/dev/null")
	terminal, err := pty.Start(cmd, s.columns, s.rows)
	if err != nil {
		return 0, err
	}
	defer func() {
		terminal.Close()
		_ = cmd.Wait() // it ends with its terminal
	}()
	screen := &screen{r: bufio.NewReader(terminal), cast: c}
	if _, err := screen.prompt(); err != nil {
		return 0, err
	}
	var total time.Duration
	for _, command := range commands {
		if _, err := terminal.WriteString(command + "\n"); err != nil {
			return total, err
		}
		began := time.Now()
		status, err := screen.prompt()
		if err != nil {
			return total, fmt.Errorf("%s: %w", command, err)
		}
		took := time.Since(began)
		total += took
		fmt.Fprintf(out, "%7.2f s  %s\n", took.Seconds(), command)
		if status != 0 {
			return total, fmt.Errorf("%s: exit status %d, after it had shown:\n%s", command, status, screen.shown)
		}
	}
	return total, nil
}

// A screen is what a terminal shows, on its way to the recording.
type screen struct {
	r     *bufio.Reader
	cast  *cast
	shown string // since the last prompt
}

// prompt reads up to the next prompt, and returns the status that stands before it.
func (s *screen) prompt() (status int, err error) {
	s.shown = ""
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.r.Read(buffer)
		s.cast.show(buffer[:n])
		s.shown += string(buffer[:n])
		before, after, found := strings.Cut(s.shown, promptMark)
		if found && strings.Contains(after, "$ ") {
			if at := strings.LastIndex(before, statusMark); at >= 0 {
				digits, _, _ := strings.Cut(before[at+len(statusMark):], "\a")
				return strconv.Atoi(digits)
			}
			return 0, errors.New("the prompt has no status before it")
		}
		if err != nil {
			return 0, errors.Join(err, errors.New("the shell has ended"))
		}
	}
}

// fileName is used in the header of a recording.
func fileName(name string) string { return strings.TrimSuffix(filepath.Base(name), ".cast") }
