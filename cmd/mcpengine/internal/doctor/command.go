package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/tail"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/stdio"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Program is a program that serves over its standard streams.
type Program struct {
	// Line is the command line. Required.
	Line []string
	// Env are variables that it gets besides the ones of this process. Optional.
	Env map[string]string
	// Dir is the folder that it runs in. The default is the current one.
	Dir string
}

// Command examines a program. It is started once, or a second time if it ends at the
// first message.
func Command(ctx context.Context, p Program, c Config) *Report {
	r, line := &Report{}, p.Line
	c = c.withDefaults()
	for _, value := range p.Env {
		r.hide(value)
	}
	path, err := exec.LookPath(line[0])
	switch {
	case errors.Is(err, exec.ErrDot):
		err = nil
	case errors.Is(err, fs.ErrPermission):
		r.fail("command.found", "%s may not be executed", line[0])
	case err != nil:
		r.fail("command.found", "there is no program %s", line[0])
	}
	if err != nil {
		return r
	}
	r.ok("command.found", "%s", path)
	for _, first := range []string{protocol.MethodInitialize, mcp.MethodServerDiscover} {
		run := &programRun{Report: r, Config: c, Program: p}
		if run.examine(ctx, first) {
			break
		}
	}
	return r
}

// A programRun is one run of a program.
type programRun struct {
	*Report
	Config
	Program

	cmd    *exec.Cmd
	in     io.WriteCloser
	out    chan []byte // lines of standard output; closed at its end
	stderr tail.Writer
	junk   string // the first line that is no message
	ended  chan struct{}
}

// said returns the last lines that the program has written to standard error, on one.
func (p *programRun) said() string {
	lines := strings.Split(p.stderr.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

// start starts the program. Its input stays open until stop.
func (p *programRun) start() error {
	p.cmd = exec.Command(p.Line[0], p.Line[1:]...) //nolint:noctx // stop ends it
	p.cmd.Dir, p.cmd.Env = p.Dir, append(os.Environ(), "MCPENGINE_TRANSPORT=stdio")
	for name, value := range p.Env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	p.cmd.Stdout = writer
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	writer.Close()
	if err != nil {
		reader.Close()
		return err
	}
	p.out, p.ended = make(chan []byte), make(chan struct{})
	go func() {
		defer close(p.out)
		defer reader.Close()
		lines := stdio.NewLineReader(reader, maxAnswer)
		for {
			text, err := lines.Next(nil)
			if len(text) > 0 {
				p.out <- text
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the state says it
	}()
	return nil
}

// stop closes the input, and ends the program if that does not.
func (p *programRun) stop() {
	p.in.Close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for line := range p.out {
			p.message(line)
		}
	}()
	defer func() { <-drained }()
	timer := time.NewTimer(2 * time.Second)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.cmd.Process.Kill() // it may have ended by now
		<-p.ended
	}
}

var (
	errEnded  = errors.New("the program ended")
	errSilent = errors.New("no answer")
)

// call sends a request and waits for its answer.
func (p *programRun) call(ctx context.Context, q request) (*reply, error) {
	if _, err := p.in.Write(append(q.body(), '\n')); err != nil {
		return nil, errEnded
	}
	for {
		select {
		case line, ok := <-p.out:
			if !ok {
				return nil, errEnded
			}
			if r := p.message(line); r != nil {
				return r, nil
			}
		case <-ctx.Done():
			return nil, errSilent
		}
	}
}

// message reads a line: an answer, or nil. A line that is no message is kept.
func (p *programRun) message(line []byte) *reply {
	var m jsonrpc.Message
	if m.Parse(line) != nil {
		if p.junk == "" {
			p.junk = string(line[:min(len(line), 100)])
		}
		return nil
	}
	if m.Method != "" {
		return nil
	}
	r := &reply{status: http.StatusOK, size: len(line)}
	r.parse(line)
	return r
}

// examine talks to the program, and reports whether it has found out enough. The
// first message may be one that the program does not survive.
func (p *programRun) examine(ctx context.Context, first string) bool {
	if err := p.start(); err != nil {
		p.fail("command.found", "%s cannot be executed: %s", p.Line[0], reasonToStart(err))
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	s, err := p.introduce(ctx, first)
	if err == nil {
		p.ok("command.runs", "the program stays alive")
		p.ok("command.answers", "it answers in %s", s.version)
		p.list(ctx, s)
	}
	p.stop()
	if p.junk != "" && !p.has("command.output", Failure) {
		p.fail("command.output", "a line of standard output is no message: %q", p.junk)
	} else if p.junk == "" && err == nil {
		p.ok("command.output", "standard output has nothing but messages")
	}
	switch {
	case errors.Is(err, errEnded) && first == protocol.MethodInitialize:
		return false
	case errors.Is(err, errEnded):
		p.fail("command.runs", "the program ended (%s)%s", p.cmd.ProcessState, p.complaint())
	case errors.Is(err, errSilent):
		p.silence()
	case err != nil:
		p.fail("version", "%s", err)
	}
	return true
}

// complaint is what the program has said on standard error.
func (p *programRun) complaint() string {
	if last := p.said(); last != "" {
		return ": " + last
	}
	return " and said nothing on standard error"
}

// silence says why the program does not answer. A line without an end is a question
// to a person.
func (p *programRun) silence() {
	said := p.stderr.String()
	if p.junk != "" && said == "" {
		said = p.junk
	}
	if said = said[strings.LastIndexByte(said, '\n')+1:]; strings.TrimSpace(said) != "" {
		p.fail("command.answers", "it waits for a person at a terminal: %s", said)
		return
	}
	p.fail("command.answers", "it does not answer within %s%s", p.Timeout, p.complaint())
}

// reasonToStart is the cause without the name of the program.
func reasonToStart(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// introduce finds out what the program speaks.
func (p *programRun) introduce(ctx context.Context, first string) (*self, error) {
	refused := ""
	for _, method := range []string{first, mcp.MethodServerDiscover} {
		q := discover()
		if method == protocol.MethodInitialize {
			q = initialize(protocol.Latest(true, nil, nil))
		}
		r, err := p.call(ctx, q)
		switch {
		case err != nil:
			return nil, err
		case !r.good():
			refused = r.says()
			continue
		}
		s := selfOf(r)
		if method == mcp.MethodServerDiscover {
			s.version = stateless().Name
			return s, nil
		}
		_, err = io.WriteString(p.in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
		return s, err
	}
	return nil, fmt.Errorf("no answer in any version: %s", refused)
}

// list lists the tools.
func (p *programRun) list(ctx context.Context, s *self) {
	v := protocol.Find(s.version)
	if v == nil {
		p.fail("version", "the program chooses the version %q, which is not known", s.version)
		return
	}
	if !slices.Contains(s.offers, "tools") {
		return
	}
	q := request{version: v, method: mcp.MethodToolsList}
	tools, _, err := pages(q, func(q request) (*reply, error) { return p.call(ctx, q) })
	if err != nil {
		p.fail("tools.list", "the tools cannot be listed: %s", err)
		return
	}
	p.judge(tools)
}
