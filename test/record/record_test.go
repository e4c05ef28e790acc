package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A recording has the commands and what they print, and the report their times.
func TestRecord(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS != "linux" {
		t.Skip("a recording needs bash and Linux")
	}
	dir := t.TempDir()
	script, output := filepath.Join(dir, "script.txt"), filepath.Join(dir, "demo.cast")
	write(t, script, "# comment\n\nmkdir inside && cd inside\nX=ü\necho \"$X in $(basename \"$PWD\")\"\n")
	var report bytes.Buffer
	if err := run(t.Context(), []string{"-o", output, "-dir", dir, "-columns", "70", script}, &report); err != nil {
		t.Fatal(err)
	}
	if got := regexp.MustCompile(`\d+\.\d+`).ReplaceAllString(report.String(), "N"); got != "   N s  mkdir inside && cd inside\n   N s  X=ü\n   N s  echo \"$X in $(basename \"$PWD\")\"\n   N s  in all\n" {
		t.Errorf("the report is %q", got)
	}
	header, shown := readCast(t, output)
	if header["version"] != 2.0 || header["width"] != 70.0 || header["height"] != 24.0 || header["title"] != "demo" {
		t.Errorf("the header is %v", header)
	}
	if !strings.Contains(shown, "ü in inside\r\n") {
		t.Errorf("the recording shows %q", shown)
	}

	write(t, script, "echo before\nsh -c 'echo sorry; exit 3'\necho never\n")
	err := run(t.Context(), []string{"-o", output, "-dir", dir, script}, &report)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "sorry") {
		t.Errorf("a command that fails: %v", err)
	}
	if _, shown := readCast(t, output); strings.Contains(shown, "never") {
		t.Error("it went on after a command that failed")
	}
	write(t, script, "true\n")
	if err := run(t.Context(), []string{"-dir", dir, "-limit", "1ns", script}, &report); err == nil || !strings.Contains(err.Error(), "may take 1ns") {
		t.Errorf("over the limit: %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readCast returns the header of a recording and what it shows, and checks its form.
func readCast(t *testing.T, name string) (header map[string]any, shown string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), &header); err != nil {
		t.Fatal(err)
	}
	last := -1.0
	for lines.Scan() {
		var event []any
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil || len(event) != 3 || event[1] != "o" {
			t.Fatalf("event %s: %v", lines.Bytes(), err)
		}
		if at := event[0].(float64); at < last {
			t.Errorf("event %s is older than the one before", lines.Bytes())
		} else {
			last = at
		}
		shown += event[2].(string)
	}
	return header, shown
}

// A character that comes in two pieces is in one event.
func TestCastSplitsNoCharacter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &cast{w: &out, began: time.Now()}
	for _, piece := range []string{"a\xc3", "\xbc\xe2", "\x82", "\xac\xff", "b"} {
		c.show([]byte(piece))
	}
	var shown string
	for line := range strings.Lines(out.String()) {
		var event []any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		shown += event[2].(string)
	}
	if shown != "aü€\ufffdb" {
		t.Errorf("shown: %q", shown)
	}
}
