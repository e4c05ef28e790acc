package pty_test

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/pty"
)

func TestStart(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `test -t 0 && test -t 1 && stty size && read line && echo "<$line>"`)
	terminal, err := pty.Start(cmd, 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if _, err := terminal.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	shown, _ := io.ReadAll(terminal) // it ends with an error, because the program has gone
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	for _, want := range []string{"30 100\r\n", "<hello>\r\n"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("the terminal shows %q, which lacks %q", shown, want)
		}
	}
}
