package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// playRecordings replaces the blocks of the language recording, which name a script, by
// what a terminal shows while it runs: now, so that no recording is out of date.
func (s *site) playRecordings(ctx context.Context) error {
	for p := range s.pages() {
		var out strings.Builder
		var failure error
		walk(p.text, func(line string) { out.WriteString(line) }, func(b block, raw string) {
			if b.language != "recording" {
				out.WriteString(raw)
				return
			}
			shown, err := record(ctx, s.root, b.attribute("script"))
			if err != nil {
				failure = fmt.Errorf("%s: record %s: %w", p.URL, b.attribute("script"), err)
			}
			out.WriteString(shown)
		})
		if failure != nil {
			return failure
		}
		p.text = out.String()
	}
	return nil
}

// record runs a script with the program record, and returns the terminal as HTML.
func record(ctx context.Context, root, script string) (string, error) {
	dir, err := os.MkdirTemp("", "site-recording-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	work, file := filepath.Join(dir, "work"), filepath.Join(dir, "recording.cast")
	if err := os.Mkdir(work, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./record", "-o", file, "-dir", work, filepath.Join(root, script)) //nolint:gosec // a script of the repository
	cmd.Dir = filepath.Join(root, "test")
	// A development build has no release of the library, and is told where it is.
	cmd.Env = append(os.Environ(), "GOWORK=off", "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"),
		"SOURCE=--source="+root, "MCPENGINE_HOME="+filepath.Join(dir, "home"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return terminal(string(text))
}

// What a terminal acts on and does not show: titles, marks and modes.
var escapes = regexp.MustCompile("\x1b\\][^\x07]*\x07|\x1b\\[[0-9;?]*[A-Za-z]")

// terminal turns a recording (asciicast v2) into HTML. Each piece of output appears at its
// time, by CSS alone; commands take the time of typing.
func terminal(recording string) (string, error) {
	var b strings.Builder
	b.WriteString(`<pre class="terminal">`)
	const typing = 1.2 // seconds, for each command
	extra := 0.0
	lines := strings.Split(strings.TrimSpace(recording), "\n")
	last := len(lines) - 1
	for i, line := range lines[1:] {
		var event [3]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return "", err
		}
		at, _ := event[0].(float64)
		shown, _ := event[2].(string)
		shown = strings.ReplaceAll(escapes.ReplaceAllString(shown, ""), "\r", "")
		shown = strings.ReplaceAll(shown, " $SOURCE", "")
		if shown == "" || i+1 == last && shown == "$ " {
			continue
		}
		if strings.HasPrefix(shown, "$ ") {
			extra += typing
		}
		fmt.Fprintf(&b, `<span style="animation-delay:%.1fs">%s</span>`, at+extra, html.EscapeString(shown))
	}
	b.WriteString("</pre>\n")
	return b.String(), nil
}
