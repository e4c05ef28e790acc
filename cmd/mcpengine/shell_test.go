package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcpengine/mcpengine/internal/pty"
)

// Each shell reads a file that sets completion up as the documentation says, and binds
// a key that prints the line as it is, between < and >.
var shellFiles = map[string]struct {
	name, text string
	args       []string
}{
	"bash": {"bashrc", `PS1='ready> '
bind 'set bell-style none'
bind -x '"\C-g": printf "<%s>\n" "$READLINE_LINE"'
source <(mcpengine completion bash)
`, []string{"--noprofile", "--rcfile", "bashrc", "-i"}},
	"zsh": {".zshrc", `PROMPT='ready> '
autoload -U compinit && compinit -u -D
source <(mcpengine completion zsh)
show() { print -r -- "<$BUFFER>" }
zle -N show
bindkey '^g' show
`, []string{"-d", "-i"}},
	"fish": {"config.fish", `function fish_prompt; echo -n 'ready> '; end
mcpengine completion fish | source
bind \cg 'printf "<%s>\n" (commandline)'
`, []string{"--no-config", "-i", "-C", "source config.fish"}},
}

// typedCommand types a text and a tab into a real shell, and prints what the line has
// become.
func typedCommand(ts *testscript.TestScript, _ bool, args []string) {
	shell := shellFiles[args[0]]
	ts.Check(os.WriteFile(ts.MkAbs(shell.name), []byte(shell.text), 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], shell.args...) //nolint:gosec // of the table
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "MCPENGINE_HOME", "MCPENGINE_COMPLETION_TIME", "SERVER", "GORACE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, "TERM=xterm", "ZDOTDIR="+cmd.Dir, "XDG_DATA_HOME="+cmd.Dir, "XDG_CONFIG_HOME="+cmd.Dir, "LANG=C.UTF-8")
	terminal, err := pty.Start(cmd, 500, 50)
	ts.Check(err)
	defer func() {
		terminal.Close()
		_ = cmd.Process.Kill() // it may wait for a key
		_ = cmd.Wait()
	}()
	shown := &shownText{r: terminal}
	_, err = shown.until(regexp.MustCompile(`ready> `))
	ts.Check(err)
	_, err = terminal.WriteString(args[1] + "\t\a")
	ts.Check(err)
	line, err := shown.until(regexp.MustCompile(`<([^>\n]*)>`))
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), "["+line[1]+"]")
}

// shownText is what a terminal has shown.
type shownText struct {
	r    io.Reader
	text string
}

// until reads until the pattern is there, and returns what it matches.
func (s *shownText) until(pattern *regexp.Regexp) ([]string, error) {
	buffer := make([]byte, 4096)
	for {
		if at := pattern.FindStringSubmatchIndex(s.text); at != nil {
			match := pattern.FindStringSubmatch(s.text)
			s.text = s.text[at[1]:]
			return match, nil
		}
		n, err := s.r.Read(buffer)
		s.text += string(buffer[:n])
		if err != nil {
			return nil, fmt.Errorf("the terminal shows %q: %w", strings.TrimSpace(s.text), errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
}
