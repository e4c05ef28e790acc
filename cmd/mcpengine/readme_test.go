package main

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// A platform runs the function that was deployed to an account: the zip file as
// it was uploaded, with the variables as they were set.
type platform struct {
	account *fakeaws.Server
	name    string
	dir     string

	once sync.Once
	run  *locallambda.Platform
	err  error
}

// ServeHTTP carries a request to the function, which starts with the first one.
func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.once.Do(func() { p.err = p.start() })
	if p.err != nil {
		http.Error(w, p.err.Error(), http.StatusBadGateway)
		return
	}
	to, err := url.Parse(p.run.URL())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
}

func (p *platform) start() error {
	code := p.account.Code(p.name)
	archive, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return err
	}
	program, err := archive.Open("bootstrap")
	if err != nil {
		return err
	}
	defer program.Close()
	binary, err := io.ReadAll(program)
	if err != nil {
		return err
	}
	bootstrap := filepath.Join(p.dir, "bootstrap")
	if err := os.WriteFile(bootstrap, binary, 0o755); err != nil {
		return err
	}
	var env []string
	for name, value := range p.account.Environment(p.name) {
		env = append(env, name+"="+value)
	}
	p.run, err = locallambda.New(context.Background(), locallambda.Options{Bootstrap: bootstrap, Freeze: true, Env: env})
	return err
}

func (p *platform) stop() {
	if p.run != nil {
		p.run.Stop()
	}
}

// readmeCommands returns the commands of a section of the README, line by line.
func readmeCommands(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); line != "" {
				commands = append(commands, line)
			}
		}
	}
	return commands
}

// A reader who begins as the README says gets a server whose test passes. The last
// command goes on until it is interrupted, and is tested by itself.
func TestREADMEStart(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("it clones the repository and builds the command in a shell")
	}
	t.Chdir("../..")
	commands := readmeCommands(t, "Start your own")
	last := len(commands) - 1
	if last < 1 || !strings.HasPrefix(commands[last], "mcpengine dev ") {
		t.Fatalf("the commands are %q", commands)
	}
	dir := t.TempDir()
	steps := append([]string{"git clone -q --shared " + mustAbs(t, ".") + " mcpengine", "cd mcpengine"}, commands[:last]...)
	// Not set -e, which a command with && in it gets by.
	script := strings.Join(append(steps, "mcpengine dev --help >/dev/null", "test -f server_test.go", "go test ./..."), " &&\n")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=", "GOBIN="+filepath.Join(dir, "bin"), "CGO_ENABLED=0", "GOFLAGS=-trimpath",
		"PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What the README says about a deployment is done, in its order, with an account
// on a stand-in for AWS and the function on one for Lambda. It differs from what
// a reader does in two ways: the function is built for this machine, so that it
// can run here, and nothing is fetched from where the module will be.
func TestREADMEDeployment(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a function is a program for Linux")
	}
	t.Chdir("../..")
	t.Setenv("GOWORK", "off")
	account := &fakeaws.Server{Settling: 1, Closed: 1, Unassumable: 1}
	useAWS(t, account)
	function := &platform{account: account, name: "weather", dir: t.TempDir()}
	account.Function = function
	defer function.stop()
	var done []string
	for _, command := range readmeCommands(t, "Deploy to Lambda") {
		words := strings.Fields(command)
		kind := words[0] + " " + words[1]
		if kind == "mcpengine deploy" {
			words = append(words, "--arch", runtime.GOARCH)
			if strings.HasSuffix(command, " --plan") {
				kind += " --plan"
			}
		}
		try, ok := readmeTrials[kind]
		if !ok {
			t.Errorf("README.md says %q, which nothing tries", command)
			continue
		}
		t.Log(command)
		try(t, account, words[1:])
		done = append(done, kind)
	}
	if len(done) != len(readmeTrials) {
		t.Errorf("README.md has %q and no more", done)
	}
}

// readmeTrials does each kind of command and checks what it is said to do.
var readmeTrials = map[string]func(t *testing.T, account *fakeaws.Server, args []string){
	"go install": func(t *testing.T, _ *fakeaws.Server, args []string) {
		path, _, _ := strings.Cut(args[1], "@")
		list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Name}}", path)
		list.Dir = "cmd/mcpengine"
		out, err := list.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "main" {
			t.Errorf("%s is no program: %s, %v", path, out, err)
		}
	},
	"mcpengine deploy --plan": func(t *testing.T, account *fakeaws.Server, args []string) {
		code, stdout, stderr := call(t.Context(), "", args...)
		if code != 0 || !strings.Contains(stdout, "create  function weather") || len(account.Resources()) > 0 {
			t.Errorf("exit %d, stdout %s, stderr %s, account %q", code, stdout, stderr, account.Resources())
		}
	},
	"mcpengine deploy": func(t *testing.T, _ *fakeaws.Server, args []string) {
		code, stdout, stderr := call(t.Context(), "y\n", args...)
		if code != 0 || !strings.HasSuffix(stdout, "/url/weather/mcp\n") || !strings.Contains(stderr, "weather (devel) answers, and speaks 2026-07-28") {
			t.Fatalf("exit %d, stdout %s, stderr %s", code, stdout, stderr)
		}
		callWeather(t, strings.TrimSpace(stdout))
	},
	"mcpengine logs": func(t *testing.T, account *fakeaws.Server, args []string) {
		account.Log("/aws/lambda/weather", time.Now(), "hello")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stdout, stderr := &firstLine{cancel: cancel}, &bytes.Buffer{}
		code := run(ctx, args, strings.NewReader(""), stdout, stderr, func(string) string { return "" })
		if code != 0 || !strings.HasSuffix(stdout.String(), " hello\n") {
			t.Errorf("exit %d, stdout %s, stderr %s", code, stdout, stderr)
		}
	},
	"mcpengine destroy": func(t *testing.T, account *fakeaws.Server, args []string) {
		code, _, stderr := call(t.Context(), "y\n", args...)
		if code != 0 || len(account.Resources()) > 0 {
			t.Errorf("exit %d, stderr %s, account %q", code, stderr, account.Resources())
		}
	},
}

// callWeather does what the README does with curl.
func callWeather(t *testing.T, endpoint string) {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Tokyo"},
		"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"*/*"},
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"get_weather"},
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "The weather in Tokyo is sunny") {
		t.Errorf("the deployed function answers %d %s, %v", resp.StatusCode, text, err)
	}
}

// A firstLine interrupts the program once it has written something.
type firstLine struct {
	text   bytes.Buffer // not embedded: its WriteString would go past Write
	cancel func()
}

func (w *firstLine) Write(p []byte) (int, error) {
	w.cancel()
	return w.text.Write(p)
}

func (w *firstLine) String() string { return w.text.String() }

// useAWS points the SDK at the account, and away from what the machine has.
func useAWS(t *testing.T, account *fakeaws.Server) {
	t.Helper()
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": fakeaws.Region, "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CA_BUNDLE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
	} {
		t.Setenv(name, value)
	}
}
