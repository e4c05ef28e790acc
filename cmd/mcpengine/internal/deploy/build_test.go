package deploy_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

const maxWeather = 4 << 20 // bytes of the zip file of the smallest real server

// A program is built twice for each architecture: the same bytes, an executable of
// that architecture, and small. For the architecture of this machine it is the
// example server, which other tests build as well. For the other one it is a
// program without imports: compiling net/http for it would prove no more.
func TestBuild(t *testing.T) {
	t.Parallel()
	for arch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			folder, name := "../../../../examples/weather", "weather"
			if arch != runtime.GOARCH {
				folder, name = module(t, "package main\n\nfunc main() { println(42) }\n"), "tool"
			}
			source, err := deploy.FindSource(t.Context(), folder, deploy.BuildFlags{})
			if err != nil {
				t.Fatal(err)
			}
			if source.Name() != name {
				t.Errorf("Name() = %q, want %s", source.Name(), name)
			}
			first, err := source.Build(t.Context(), arch)
			if err != nil {
				t.Fatal(err)
			}
			second, err := source.Build(t.Context(), arch)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Zip, second.Zip) {
				t.Error("two builds differ")
			}
			if len(first.Zip) >= maxWeather {
				t.Errorf("the zip file has %d bytes, want less than %d", len(first.Zip), maxWeather)
			}
			t.Logf("%s: %d bytes, %s", arch, len(first.Zip), first.SHA256())
			checkMachine(t, first.Zip, machine)
		})
	}
}

func checkMachine(t *testing.T, data []byte, want elf.Machine) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := r.Open("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	defer entry.Close()
	var binary bytes.Buffer
	if _, err := binary.ReadFrom(entry); err != nil {
		t.Fatal(err)
	}
	file, err := elf.NewFile(bytes.NewReader(binary.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if file.Machine != want {
		t.Errorf("the executable is for %v, want %v", file.Machine, want)
	}
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the executable wants libraries %v, %v", libraries, err)
	}
}

// The same source in another folder gives the same bytes.
func TestBuildElsewhere(t *testing.T) {
	t.Parallel()
	var digests []string
	for range 2 {
		source, err := deploy.FindSource(t.Context(), module(t, "package main\n\nfunc main() { println(1) }\n"), deploy.BuildFlags{})
		if err != nil {
			t.Fatal(err)
		}
		code, err := source.Build(t.Context(), "arm64")
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, code.SHA256())
	}
	if digests[0] != digests[1] {
		t.Errorf("digests differ: %s", digests)
	}
}

// module writes a module with one file, and returns its folder.
func module(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/tool/v2\n\ngo 1.26.0\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		source string // of a module
		folder string // otherwise
		want   string
		hint   string
	}{
		{name: "a library", source: "package tool\n", want: "example.com/tool/v2 is package tool and not a program", hint: "main package"},
		{name: "a type error", source: "package main\n\nfunc main() { x }\n", want: "main.go:3:15: undefined: x", hint: "go build"},
		{name: "a syntax error", source: "package main\n\nfunc {\n", want: "main.go:3", hint: "go"},
		{name: "cgo", source: "package main\n\nimport \"C\"\n\nfunc main() {}\n", want: "package example.com/tool/v2 uses cgo, and the server is built without a C compiler", hint: "in Go alone"},
		{name: "no folder", folder: "./none", want: "no such file or directory"},
		{name: "a file", folder: "build.go", want: "build.go is a file", hint: "folder"},
		{name: "no package", folder: "example.com/none", want: "find package example.com/none", hint: "./cmd/server"},
		{name: "an option", folder: "-toolexec=evil", want: "is not one package"},
		{name: "many packages", folder: "example.com/...", want: "is not one package"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := test.folder
			if folder == "" {
				folder = module(t, test.source)
			}
			source, err := deploy.FindSource(t.Context(), folder, deploy.BuildFlags{})
			if err == nil {
				_, err = source.Build(t.Context(), "arm64")
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(deploy.Hint(err), test.hint) {
				t.Errorf("error %v\nhint %q", err, deploy.Hint(err))
			}
		})
	}
}

// The last element of a module's path may be its major version.
func TestSourceName(t *testing.T) {
	t.Parallel()
	source, err := deploy.FindSource(t.Context(), module(t, "package main\n\nfunc main() {}\n"), deploy.BuildFlags{})
	if err != nil {
		t.Fatal(err)
	}
	if source.Name() != "tool" {
		t.Errorf("Name() = %q, want tool", source.Name())
	}
}

// The name of a function comes from the module and the folder, so that programs in
// cmd/server of two modules are two functions.
func TestFunctionName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ module, folder, want string }{
		{"example.com/shop", "cmd/server", "shop-server"},
		{"example.com/bank/v2", "cmd/server", "bank-server"},
		{"example.com/shop", ".", "shop"},
		{"example.com/shop", "cmd/shop", "shop"},
		{"example.com/shop", "tools/cmd/price", "shop-tools-price"},
		{"example.com/my.app~x", "cmd/a+b", "my-app-x-a-b"},
		{"v2", ".", "v2"},
	} {
		dir := t.TempDir()
		folder := filepath.Join(dir, filepath.FromSlash(test.folder))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{filepath.Join(dir, "go.mod"): "module " + test.module + "\n\ngo 1.26.0\n", filepath.Join(folder, "main.go"): "package main\n\nfunc main() {}\n"} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		source, err := deploy.FindSource(t.Context(), folder, deploy.BuildFlags{})
		if err != nil {
			t.Fatal(err)
		}
		if got := source.FunctionName(); got != test.want || deploy.CheckName(got) != nil {
			t.Errorf("%s of %s: FunctionName() = %q, want %q", test.folder, test.module, got, test.want)
		}
	}
}

// A package that has a file without cgo as well would build, and fail when it is
// used. With CGO_ENABLED=0 the user has decided.
func TestCgoInDependency(t *testing.T) {
	dir := module(t, "package main\n\nimport \"example.com/tool/v2/sqlite\"\n\nfunc main() { sqlite.Open() }\n")
	if err := os.Mkdir(filepath.Join(dir, "sqlite"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cgo.go":  "package sqlite\n\nimport \"C\"\n\nfunc Open() {}\n",
		"mock.go": "//go:build !cgo\n\npackage sqlite\n\nfunc Open() { panic(\"this needs cgo\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "sqlite", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CGO_ENABLED", "")
	_, err := deploy.FindSource(t.Context(), dir, deploy.BuildFlags{})
	if want := "package example.com/tool/v2/sqlite uses cgo"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(deploy.Hint(err), "CGO_ENABLED=0") {
		t.Errorf("FindSource: %v, hint %q; want %s", err, deploy.Hint(err), want)
	}
	t.Setenv("CGO_ENABLED", "0")
	if _, err := deploy.FindSource(t.Context(), dir, deploy.BuildFlags{}); err != nil {
		t.Error(err)
	}
}
