package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The modules under test are written here and tested by the go command itself,
// so that the digest is held to what go test really prints.
func TestRun(t *testing.T) {
	const imports = "package p\n\nimport (\"os\"; \"testing\")\n\nvar _ = os.Exit\n\n"
	tests := []struct {
		name     string
		files    map[string]string
		ci       bool
		ok       bool
		last     string
		contains []string
		without  []string
	}{
		{
			name:     "passing tests are counted and silent",
			files:    map[string]string{"p_test.go": imports + `func TestA(t *testing.T) { t.Log("quiet"); t.Run("sub", func(t *testing.T) {}) }`},
			ok:       true,
			last:     "2 passed, 0 failed, 0 skipped",
			contains: []string{"ok  \tm"},
			without:  []string{"quiet", "=== RUN", "skipped:"},
		},
		{
			name: "a failure is printed in full, others are not",
			files: map[string]string{"p_test.go": imports + `
				func TestA(t *testing.T) { t.Log("quiet") }
				func TestB(t *testing.T) { t.Errorf("got 1,\nwant 2") }`},
			last:     "1 passed, 1 failed, 0 skipped",
			contains: []string{"--- FAIL: TestB", "got 1,\n", "want 2\n", "FAIL\tm"},
			without:  []string{"quiet", "=== RUN"},
		},
		{
			name:     "a skip is listed with its reason",
			files:    map[string]string{"p_test.go": imports + `func TestA(t *testing.T) { t.Skip("no database") }`},
			ok:       true,
			last:     "0 passed, 0 failed, 1 skipped",
			contains: []string{"skipped:\n  m TestA: p_test.go:7: no database\n"},
			without:  []string{"CI=true"},
		},
		{
			name:     "in CI a skip is a failure",
			files:    map[string]string{"p_test.go": imports + `func TestA(t *testing.T) { t.SkipNow() }`},
			ci:       true,
			last:     "0 passed, 0 failed, 1 skipped",
			contains: []string{"m TestA: no reason given\n", "with CI=true a skip is a failure, unless what it needs is out of reach"},
		},
		{
			name:     "a package without tests is neither passed nor skipped",
			files:    map[string]string{"p.go": "package p", "p_test.go": "package p"},
			ci:       true,
			ok:       true,
			last:     "0 passed, 0 failed, 0 skipped",
			contains: []string{"no tests to run"},
		},
		{
			name: "a package that does not compile is one failure",
			files: map[string]string{
				"p_test.go":     imports + `func TestA(t *testing.T) {}`,
				"bad/p_test.go": imports + `func TestA(t *testing.T) { undefined() }`,
			},
			last:     "1 passed, 1 failed, 0 skipped",
			contains: []string{"undefined: undefined", "FAIL\tm/bad [build failed]"},
		},
		{
			name:     "a panic names its test",
			files:    map[string]string{"p_test.go": imports + `func TestA(t *testing.T) { panic("boom") }`},
			last:     "0 passed, 1 failed, 0 skipped",
			contains: []string{"panic: boom", "p_test.go:7", "FAIL\tm"},
		},
		{
			name:     "a test that ends the process is a failure",
			files:    map[string]string{"p_test.go": imports + `func TestA(t *testing.T) { println("last words"); os.Exit(3) }`},
			last:     "0 passed, 1 failed, 0 skipped",
			contains: []string{"last words", "FAIL\tm"},
		},
		{
			name:     "a module that go refuses is a failure",
			files:    map[string]string{"p_test.go": "package p\n\nimport _ \"example.invalid/none\""},
			last:     "0 passed, 1 failed, 0 skipped",
			contains: []string{"example.invalid/none"},
		},
		{
			name:     "a module without packages is a failure",
			files:    map[string]string{},
			last:     "0 passed, 1 failed, 0 skipped",
			contains: []string{"FAIL\tgo test in "},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := writeModule(t, test.files)
			var stdout, stderr bytes.Buffer
			d := newDigest(&stdout)
			// Without the race detector, to spare the build of a second
			// standard library.
			args := []string{"test", "-json", "-vet=off", "./..."}
			if err := testModule(t.Context(), d, folder, args, &stderr); err != nil {
				t.Fatalf("testModule() = %v", err)
			}
			if ok := d.close(test.ci); ok != test.ok {
				t.Errorf("close() = %t, want %t", ok, test.ok)
			}
			got := stderr.String() + stdout.String()
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if diff := cmp.Diff(test.last, lines[len(lines)-1]); diff != "" {
				t.Errorf("last line (-want +got):\n%s", diff)
			}
			for _, want := range test.contains {
				if !strings.Contains(got, want) {
					t.Errorf("the digest lacks %q", want)
				}
			}
			for _, unwanted := range test.without {
				if strings.Contains(got, unwanted) {
					t.Errorf("the digest contains %q", unwanted)
				}
			}
			if t.Failed() {
				t.Logf("the digest:\n%s", got)
			}
		})
	}
}

func writeModule(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "go.mod"), "module m\n\ngo 1.26\n")
	for name, content := range files {
		write(t, filepath.Join(folder, name), content)
	}
	return folder
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
