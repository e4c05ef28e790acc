package mcpb_test

import (
	"bytes"
	"context"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/buildtest"
)

// tools is where scripts/install-mcpb installs the official tool.
const tools = "../../.tools/mcpb"

// The official tool takes every bundle and shows what is in it, the official schema
// allows the manifest, and the program in it is for the platform. MCPENGINE_BUNDLES=all,
// as make bundles sets it, makes bundles for all platforms; otherwise it is the one of
// this machine, whose packages other tests have compiled.
func TestBundles(t *testing.T) {
	installed(t)
	platforms := []string{here()}
	if os.Getenv("MCPENGINE_BUNDLES") == "all" {
		platforms = []string{"darwin", "linux-amd64", "linux-arm64", "windows-amd64", "windows-arm64"}
	}
	files, _ := pack(t, platforms, keyVariable+"="+key)
	for i, platform := range platforms {
		file := files[i]
		if want := "weather-1.2.0-" + platform + ".mcpb"; filepath.Base(file) != want {
			t.Errorf("the file is %s, want %s", file, want)
		}
		if out := mcpb(t, "info", file); !strings.Contains(out, "Size:") {
			t.Errorf("mcpb info: %s", out)
		}
		dir := unpack(t, file)
		mcpb(t, "validate", dir)
		m := readManifest(t, dir)
		checkSchema(t, dir)
		checkProgram(t, platform, filepath.Join(dir, filepath.FromSlash(m.Server.EntryPoint)))
		if m.Name != "weather" || m.Tools[0].Name != "get_weather" || m.ToolsGenerated || m.Prompts[0].Text != "What do I pack for ${arguments.city}?" {
			t.Errorf("the manifest is %+v", m)
		}
		if system := map[string]string{"windows": "win32"}[strings.Split(platform, "-")[0]]; system != "" && m.Compatibility.Platforms[0] != system {
			t.Errorf("%s is for %v", platform, m.Compatibility.Platforms)
		}
	}
	run(t, unpack(t, files[slices.Index(platforms, here())]))
}

// here is the platform of this machine.
func here() string {
	if runtime.GOOS == "darwin" {
		return runtime.GOOS
	}
	return runtime.GOOS + "-" + runtime.GOARCH
}

const (
	keyVariable = "WEATHER_API_KEY"
	key         = "s3cret"
)

// run starts the server as a host does, with different values of a user.
func run(t *testing.T, dir string) {
	t.Helper()
	notes := t.TempDir()
	for _, row := range []struct {
		values map[string]any
		want   string
	}{
		{map[string]any{keyVariable: key}, `6 metric 3 false true "" []`},
		// A host may keep an empty field as an empty text.
		{map[string]any{keyVariable: key, "UNITS": "", "DAYS": "", "SCALE": "", "NOTES": "", "CITIES": ""}, `6 metric 3 false true "" []`},
		{
			map[string]any{keyVariable: key + "!", "UNITS": "imperial", "DAYS": 7, "SHORT": true, "SCALE": 0.5, "NOTES": notes, "CITIES": "Rome,Oslo"},
			fmt.Sprintf(`7 imperial 7 true false %q ["Rome" "Oslo"]`, notes),
		},
	} {
		start := hostStart(t, dir, row.values)
		if start == nil || len(start.Args) > 0 {
			t.Fatalf("with %v a host starts %v", row.values, start)
		}
		conn := connect(t, *start)
		got, err := client.Call[string](t.Context(), conn, "get_settings", nil)
		if got != row.want || err != nil {
			t.Errorf("with %v the server has %s, %v, want %s", row.values, got, err, row.want)
		}
	}
	if start := hostStart(t, dir, map[string]any{}); start != nil {
		t.Errorf("without the key a host starts %v", start)
	}
}

// A server whose settings are missing is bundled without its tools, and no value is in a
// bundle.
func TestMissingSettings(t *testing.T) {
	installed(t)
	files, said := pack(t, []string{here()}, keyVariable+"=")
	if want := "the program needs " + keyVariable + " to start; set it in the environment to list them"; !strings.Contains(said, want) {
		t.Errorf("the command says %s, want %s", said, want)
	}
	dir := unpack(t, files[0])
	mcpb(t, "validate", dir)
	checkSchema(t, dir)
	if m := readManifest(t, dir); !m.ToolsGenerated || len(m.Tools) > 0 {
		t.Errorf("the manifest is %+v", m)
	}
	run(t, dir)
}

// connect starts a server with the environment of the manifest alone.
func connect(t *testing.T, s start) *client.Client {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), s.Command, s.Args...) // closing its input ends it
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), []string{}, t.Output()
	for name, value := range s.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := client.Attach(t.Context(), out, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ends with %v", err)
		}
	})
	return conn
}

// installed skips the test where the tool is missing.
func installed(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(tools, "stamp")); err != nil {
		t.Skip("the tool for MCP bundles is not installed: run scripts/install-mcpb")
	}
}

// pack makes the bundles of package server, and returns them and what the command says.
func pack(t *testing.T, platforms []string, environ ...string) (files []string, said string) {
	t.Helper()
	program := buildtest.Program(t, "../../cmd/mcpengine", ".")
	cmd := exec.CommandContext(t.Context(), program, "package", "--mcpb", "./server", "--platform", strings.Join(platforms, ","), "-o", t.TempDir())
	cmd.Env = append(append(os.Environ(), buildtest.Environment()...), environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.Bytes())
	}
	return strings.Fields(string(out)), stderr.String()
}

func unpack(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	mcpb(t, "unpack", file, dir)
	return dir
}

// mcpb runs the official tool.
func mcpb(t *testing.T, args ...string) string {
	t.Helper()
	return node(t, append([]string{filepath.Join(tools, "node_modules", "@anthropic-ai", "mcpb", "dist", "cli", "cli.js")}, args...)...)
}

func node(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, exec.CommandContext(t.Context(), filepath.Join(tools, "node"), args...))
}

// output returns what a command writes.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.Bytes())
	}
	return string(out)
}

// A start is how a host starts a server.
type start struct {
	Command string
	Args    []string
	Env     map[string]string
}

// hostStart asks the official library, which runs where it is installed. It returns nil
// where a host would not start the server.
func hostStart(t *testing.T, dir string, values map[string]any) (s *start) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("node", "start.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(tools, "node"), "--input-type=module", "-", dir, string(text))
	cmd.Stdin = bytes.NewReader(script)
	cmd.Path, cmd.Dir = absolute(t, cmd.Path), tools
	if err := json.Unmarshal([]byte(output(t, cmd)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	name, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// A manifest is what the tests look at.
type manifest struct {
	Name   string
	Server struct {
		EntryPoint string `json:"entry_point"`
	}
	Tools          []struct{ Name string }
	ToolsGenerated bool `json:"tools_generated"`
	Prompts        []struct{ Text string }
	Compatibility  struct{ Platforms []string }
}

func readManifest(t *testing.T, dir string) (m manifest) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), key) {
		t.Errorf("the key is in the manifest: %s", data)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// checkSchema checks the manifest against the official schema.
func checkSchema(t *testing.T, dir string) {
	t.Helper()
	var schema jsonschema.Schema
	var value any
	for file, into := range map[string]any{
		filepath.Join(tools, "node_modules", "@anthropic-ai", "mcpb", "schemas", "mcpb-manifest-v0.3.schema.json"): &schema,
		filepath.Join(dir, "manifest.json"): &value,
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(value); err != nil {
		t.Errorf("the manifest: %v", err)
	}
	value.(map[string]any)["surprise"] = true
	if resolved.Validate(value) == nil {
		t.Error("the schema allows everything")
	}
}

// checkProgram checks that a file is a program for the platform.
func checkProgram(t *testing.T, platform, file string) {
	t.Helper()
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o755 {
		t.Fatalf("the program is %v, %v", info, err)
	}
	var got any
	var want any
	switch platform {
	case "darwin":
		fat, err := macho.OpenFat(file)
		if err != nil {
			t.Fatal(err)
		}
		defer fat.Close()
		var cpus []macho.Cpu
		for _, part := range fat.Arches {
			cpus = append(cpus, part.Cpu)
		}
		if !slices.Equal(cpus, []macho.Cpu{macho.CpuAmd64, macho.CpuArm64}) {
			t.Errorf("the program is for %v", cpus)
		}
		return
	case "linux-amd64", "linux-arm64":
		program, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		got, want = program.Machine, map[string]elf.Machine{"linux-amd64": elf.EM_X86_64, "linux-arm64": elf.EM_AARCH64}[platform]
		if libraries, err := program.ImportedLibraries(); len(libraries) > 0 || err != nil {
			t.Errorf("the program needs %v, %v", libraries, err)
		}
	default:
		program, err := pe.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		got, want = program.Machine, map[string]uint16{"windows-amd64": pe.IMAGE_FILE_MACHINE_AMD64, "windows-arm64": pe.IMAGE_FILE_MACHINE_ARM64}[platform]
	}
	if got != want {
		t.Errorf("the program for %s is for %v, want %v", platform, got, want)
	}
}
