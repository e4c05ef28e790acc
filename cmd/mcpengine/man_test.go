package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// The manual has a page for each command, with all flags, and formatters find no fault.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, stderr := call(t.Context(), "", "manual", dir); code != 0 {
		t.Fatal(stderr)
	}
	for _, file := range []string{"mcpengine.bash", "_mcpengine", "mcpengine.fish", "mcpengine.ps1"} {
		if info, err := os.Stat(filepath.Join(dir, "completions", file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "man1", "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string][]string{
		"mcpengine.1":            {"mcpengine\\-auth(1)", ".SH EXIT STATUS", "says so with 408"},
		"mcpengine-proxy.1":      {`\fB\-\-pin\fR \fIfile\fR`, `\fB\-\-claude\fR`, ".SH EXAMPLES"},
		"mcpengine-auth-login.1": {".SH SEE ALSO\nmcpengine\\-auth(1)\n"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, "man1", page))
		for _, part := range want {
			if err != nil || !strings.Contains(string(text), part) {
				t.Errorf("%s lacks %q, %v", page, part, err)
			}
		}
	}
	c := &cli{}
	if commands := len(c.commands(nil)); len(pages) < commands {
		t.Errorf("%d pages for %d commands", len(pages), commands)
	}
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("mandoc, which checks the pages, is not installed: run scripts/install-shells")
	}
	out, err := exec.CommandContext(t.Context(), "mandoc", append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	if len(out) == 0 && err != nil {
		t.Errorf("mandoc: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "missing date") { // a test is built from no commit
			t.Errorf("mandoc: %s", line)
		}
	}
}

// The table of exit codes in the documentation is the table of the program.
func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Exit codes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var got, want bytes.Buffer
	for _, row := range regexp.MustCompile(`(?m)^\| (\d) \| (.*) \|$`).FindAllStringSubmatch(section, -1) {
		fmt.Fprintln(&got, row[1], row[2])
	}
	for _, row := range exitCodes {
		fmt.Fprintln(&want, row.code, row.meaning)
	}
	if got.String() != want.String() {
		t.Errorf("docs/cli.md has\n%swant\n%s", &got, &want)
	}
}

// Each status of a server that is connected to has the exit code of the table.
func TestExitCodeOfStatus(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
	}))
	defer server.Close()
	for status, want := range map[int]int{
		400: exitProtocol, 401: exitAuth, 403: exitAuth, 404: exitProtocol, 405: exitProtocol, 407: exitAuth, 408: exitUnreachable, 410: exitProtocol,
		418: exitProtocol, 429: exitUnreachable, 500: exitProtocol, 501: exitProtocol, 502: exitUnreachable, 503: exitUnreachable, 504: exitUnreachable,
	} {
		code, _, stderr := call(t.Context(), "", "list", server.URL+"/"+strconv.Itoa(status))
		if code != want {
			t.Errorf("status %d: exit %d, want %d\n%s", status, code, want, stderr)
		}
	}
}

// A script runs each command of the program.
func TestScriptsRunAllCommands(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(text)
	}
	root := (&cli{stdin: strings.NewReader(""), stdout: terminal.New(io.Discard), stderr: terminal.New(io.Discard)}).root(nil)
	for name := range manPages(root, "", "") {
		command := strings.ReplaceAll(strings.TrimSuffix(name, ".1"), "-", " ")
		if cmd, _, err := root.Find(strings.Fields(command)[1:]); err == nil && cmd.HasSubCommands() {
			continue
		}
		if !regexp.MustCompile(`(?m)^(! |\? )?(exec|exits \d) ` + command + `( |$)`).MatchString(scripts.String()) {
			t.Errorf("no script runs %s", command)
		}
	}
}
