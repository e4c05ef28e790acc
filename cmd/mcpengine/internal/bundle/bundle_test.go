package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/archive"
	"github.com/mcpengine/mcpengine/internal/manifest"
)

// source is what the smallest bundle needs.
func source() Source {
	return Source{
		About:   &manifest.Manifest{Name: "com.example/weather", Version: "v1.2.0", Description: "The weather.", Author: &manifest.Author{Name: "Example"}},
		Program: &Program{Ran: true},
	}
}

// picture writes a PNG.
func picture(t *testing.T, name string, size int) {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, size, size))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each platform's bundle has the program under the name that its manifest gives, and may
// run it.
func TestPack(t *testing.T) {
	t.Parallel()
	s := source()
	s.Files = []archive.File{{Name: "ca.pem", Data: []byte("certificate")}}
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	build := func(_ context.Context, goos, arch string) ([]byte, error) { return []byte(goos + "/" + arch), nil }
	for _, want := range []struct{ platform, file, program, system string }{
		{"linux-amd64", "server/weather", "linux/amd64", "linux"},
		{"linux-arm64", "server/weather", "linux/arm64", "linux"},
		{"windows-amd64", "server/weather.exe", "windows/amd64", "win32"},
		{"windows-arm64", "server/weather.exe", "windows/arm64", "win32"},
	} {
		platforms, err := FindPlatforms([]string{want.platform})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.FileName(platforms[0]); got != "weather-1.2.0-"+want.platform+".mcpb" {
			t.Errorf("the file is %s", got)
		}
		data, err := b.Pack(t.Context(), platforms[0], build)
		if err != nil {
			t.Fatal(err)
		}
		files, modes := unzip(t, data)
		if files[want.file] != want.program || modes[want.file] != "-rwxr-xr-x" || files["server/ca.pem"] != "certificate" || modes["server/ca.pem"] != "-rw-r--r--" {
			t.Errorf("%s has %v, %v", want.platform, files, modes)
		}
		var m struct {
			Version string
			Server  struct {
				Type       string
				EntryPoint string    `json:"entry_point"`
				MCPConfig  mcpConfig `json:"mcp_config"`
			}
			Compatibility compatibility
		}
		if err := json.Unmarshal([]byte(files["manifest.json"]), &m); err != nil {
			t.Fatal(err)
		}
		if m.Version != "1.2.0" || m.Server.Type != "binary" || m.Server.EntryPoint != want.file || m.Server.MCPConfig.Command != "${__dirname}/"+want.file ||
			!cmp.Equal(m.Compatibility.Platforms, []string{want.system}) {
			t.Errorf("the manifest for %s is %+v", want.platform, m)
		}
	}
}

// unzip returns the files of a bundle and their modes.
func unzip(t *testing.T, data []byte) (files, modes map[string]string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files, modes = map[string]string{}, map[string]string{}
	for _, entry := range r.File {
		file, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name], modes[entry.Name] = string(text), fmt.Sprint(entry.Mode())
	}
	return files, modes
}

// Icons of the folder are in the bundle, and the largest is the one.
func TestIcons(t *testing.T) {
	t.Parallel()
	s := source()
	s.Dir = t.TempDir()
	picture(t, filepath.Join(s.Dir, "small.png"), 16)
	picture(t, filepath.Join(s.Dir, "large.png"), 64)
	s.About.Icons = []manifest.Icon{{Src: "small.png", Theme: "dark"}, {Src: "https://example.com/icon.png"}, {Src: "large.png"}}
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	want := []icon{{"icons/1.png", "16x16", "dark"}, {"icons/2.png", "64x64", ""}}
	if diff := cmp.Diff(want, b.manifest.Icons); diff != "" || b.manifest.Icon != "icons/2.png" {
		t.Errorf("the icon is %s, and the icons (-want +got):\n%s", b.manifest.Icon, diff)
	}
	if len(b.files) != 2 || b.files[1].Name != "icons/2.png" {
		t.Errorf("the files are %v", b.files)
	}
}

// What cannot be in a bundle is refused with what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "large.png"), make([]byte, maxIcon+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		want, hint string
		change     func(*Source)
	}{
		{`the version "1" is not one of semantic versioning`, `write "version"`, func(s *Source) { s.About.Version = "1" }},
		{"the bundle needs an author", `write "author": {"name": …}`, func(s *Source) { s.About.Author = nil }},
		{`the name "a b" is not`, `write "name"`, func(s *Source) { s.About.Name = "a b" }},
		{"large.png has more than 1048576 bytes", "at most 1 MiB", func(s *Source) { s.About.Icons = []manifest.Icon{{Src: "large.png"}} }},
		{`A is of the type "object"`, "declare it", func(s *Source) {
			s.Program.declaration.Variables = []variable{{Name: "A", Schema: schema{Type: "object"}}}
		}},
	} {
		s := source()
		s.Dir = dir
		row.change(&s)
		_, err := New(s)
		failed, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(err.Error(), row.want) || !strings.Contains(failed.Hint(), row.hint) {
			t.Errorf("%v, want %q with the hint %q", err, row.want, row.hint)
		}
	}
	s := source()
	s.Files = []archive.File{{Name: "weather"}}
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pack(t.Context(), Platforms()[1], func(context.Context, string, string) ([]byte, error) { return nil, nil }); err == nil {
		t.Error("a file takes the place of the program")
	}
}
