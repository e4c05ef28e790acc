//go:build tutorial && linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/internal/brokertest"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// The pages of the tutorial, in the order in which a reader follows them.
var tutorial = []string{"weather", "board", "callers", "hosts", "lambda"}

// The tutorial is followed from the text of its pages, in an empty folder with an
// empty home: each file is written, each command is run, and what a page shows of
// the output is there. The modules come from a release of this commit in a proxy
// of files. A reader's own parts are stand-ins: PostgreSQL, the identity provider,
// the browser, and AWS. The commands differ from the page in two ways: servers
// get free ports of the loopback interface, and functions are built for this
// machine, so that they can run here.
//
// MCPENGINE_TUTORIAL_ROOT names the root of another system, in which the commands
// run. It has no modules and nothing that is compiled (scripts/tutorial-clean).
func TestTutorial(t *testing.T) {
	r := newReader(t)
	for _, page := range tutorial {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "site", "content", "tutorial", page+".md"))
		if err != nil {
			t.Fatal(err)
		}
		r.follow(t, page, string(text))
	}
}

// A reader follows a page. Paths are as the commands see them.
type reader struct {
	root    string // of another system, or ""
	env     []string
	state   string // where a block leaves its folder and variables for the next one
	ports   map[string]string
	servers []*exec.Cmd
	out     string // of the last block
}

func newReader(t *testing.T) *reader {
	r := &reader{root: os.Getenv("MCPENGINE_TUTORIAL_ROOT"), ports: map[string]string{}}
	dir := t.TempDir()
	if r.root != "" {
		dir = "/reader"
	}
	home, work := filepath.Join(dir, "home"), filepath.Join(dir, "work")
	r.state = filepath.Join(dir, "state")
	for _, folder := range []string{home, work, r.state, filepath.Join(dir, "bin")} {
		if err := os.MkdirAll(r.outside(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	database := pgtest.Start(t)
	provider := authtest.NewProvider(t)
	provider.SignIn(authtest.Claims{"sub": "ada", "email": "ada@example.com", "email_verified": true})
	account := httptest.NewServer(newAccount(t))
	t.Cleanup(account.Close)
	browser := httptest.NewServer(browserOf(t))
	t.Cleanup(browser.Close)
	script := "#!/bin/sh\nexec curl -sS --get --data-urlencode \"page=$1\" " + browser.URL + "\n"
	if err := os.WriteFile(r.outside(filepath.Join(dir, "bin", "xdg-open")), []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	r.env = append(r.goEnvironment(t, dir),
		"HOME="+home, "PATH="+filepath.Join(dir, "bin")+":"+filepath.Join(home, "go", "bin")+":"+r.path(),
		"GOSUMDB=off", "GOTOOLCHAIN=local",
		"AWS_ENDPOINT_URL="+account.URL, "AWS_REGION="+fakeaws.Region, "AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=secret",
		"DATABASE_URL="+database.Database(t, "tutorial"), "OIDC_ISSUER="+provider.Issuer(), "CLIENT_ID=board", "CLIENT_SECRET=secret of the board",
		"DISPLAY=:0", // there is a browser
	)
	r.write(t, filepath.Join(r.state, "folder"), work)
	t.Cleanup(r.stop)
	return r
}

// outside returns a path as this program sees it.
func (r *reader) outside(path string) string { return filepath.Join(r.root, path) }

func (r *reader) path() string {
	if r.root != "" {
		return "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin"
	}
	return os.Getenv("PATH")
}

// goEnvironment has the go command get a release of this commit, and everything else
// from where it usually comes. On this system what is compiled already is used.
func (r *reader) goEnvironment(t *testing.T, dir string) []string {
	t.Helper()
	made := releaseProxy(t)
	served := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(made, "cache", "download"))))
	t.Cleanup(served.Close)
	get := func(name string) string {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	if r.root != "" {
		env := []string{"GOPROXY=" + served.URL + "," + get("GOPROXY")}
		for _, v := range os.Environ() {
			if name, _, _ := strings.Cut(v, "="); strings.HasSuffix(strings.ToLower(name), "_proxy") {
				env = append(env, v)
			}
		}
		return env
	}
	return []string{
		"GOPROXY=" + served.URL + ",file://" + filepath.Join(get("GOMODCACHE"), "cache", "download") + "," + get("GOPROXY"),
		"GOMODCACHE=" + filepath.Join(dir, "modules"), "GOCACHE=" + get("GOCACHE"),
		// As other tests build, so that most packages are compiled already.
		"GOFLAGS=-modcacherw -trimpath", "CGO_ENABLED=0", "GOWORK=off",
	}
}

// releaseProxy returns a module cache with a release of this commit. The variable
// MCPENGINE_TUTORIAL may name a folder that keeps the release for the next run, for
// those who write on a page.
func releaseProxy(t *testing.T) (made string) {
	t.Helper()
	const (
		version = "v0.1.0"
		module  = "github.com/mcpengine/mcpengine"
	)
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("MCPENGINE_TUTORIAL")
	if !filepath.IsAbs(dir) {
		dir = t.TempDir()
	}
	clone := filepath.Join(dir, "clone")
	made = filepath.Join(dir, "made")
	run := func(folder string, environment []string, command ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), append(environment, "GOWORK=off", "GOFLAGS=-modcacherw")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
		}
	}
	if _, err := os.Stat(made); err != nil {
		run(dir, nil, "git", "clone", "-q", "--shared", "--no-tags", repository, clone)
		run(clone, nil, filepath.Join(repository, "scripts", "release"), version)
		run(dir, []string{
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + clone + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + module,
			"GOPROXY=direct", "GOPRIVATE=" + module, "GOMODCACHE=" + made,
		}, "go", "mod", "download", module+"@"+version, module+"/cmd/mcpengine@"+version)
	}
	return made
}

var (
	fence       = regexp.MustCompile("(?ms)^```(\\S+)(?: \\{(.*?)\\})?\\n(.*?)^```$")
	blockOption = regexp.MustCompile(`(\w+)="([^"]*)"`)
	localPort   = regexp.MustCompile(`\b(localhost:|PORT=)(\d{4})\b`)
)

// follow does what a page says.
func (r *reader) follow(t *testing.T, page, text string) {
	t.Helper()
	r.stop() // a reader of the next page has ended the servers of the last one
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		language, code := text[m[2]:m[3]], text[m[6]:m[7]]
		options := map[string]string{}
		if m[4] >= 0 {
			for _, o := range blockOption.FindAllStringSubmatch(text[m[4]:m[5]], -1) {
				options[o[1]] = o[2]
			}
		}
		where := fmt.Sprintf("%s.md:%d", page, 1+strings.Count(text[:m[0]], "\n"))
		switch {
		case options["file"] != "":
			r.write(t, filepath.Join(r.folder(t), filepath.FromSlash(options["file"])), code)
		case options["run"] == "reader": // the stand-ins take its place
		case options["run"] == "server":
			r.serve(t, where, code)
		case language == "sh":
			r.run(t, where, code, options["exit"])
		case language == "output":
			r.compare(t, where, code)
		default:
			t.Errorf("%s: nothing is done with a block of %s", where, language)
		}
	}
}

// folder returns the folder that the last block was in.
func (r *reader) folder(t *testing.T) string {
	t.Helper()
	folder, err := os.ReadFile(r.outside(filepath.Join(r.state, "folder")))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(folder))
}

func (r *reader) write(t *testing.T, file, text string) {
	t.Helper()
	file = r.outside(file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command returns a shell that runs a block in the folder and with the variables that
// the block before left behind, on a terminal.
func (r *reader) command(ctx context.Context, code string, terminal bool) *exec.Cmd {
	code = localPort.ReplaceAllStringFunc(code, func(s string) string {
		name, port, _ := strings.Cut(localPort.ReplaceAllString(s, "$1 $2"), " ")
		if name == "PORT=" {
			return "MCPENGINE_ADDRESS=127.0.0.1:" + r.port(port)
		}
		return name + r.port(port)
	})
	code = regexp.MustCompile(`(?m)^mcpengine deploy \S+`).ReplaceAllString(code, "$0 --arch "+runtime.GOARCH)
	script := "set -euo pipefail\ncd \"$(cat " + r.state + "/folder)\"\n[ ! -f " + r.state + "/variables ] || . " + r.state + "/variables\n" + code
	if terminal {
		script += "\npwd >" + r.state + "/folder\nexport -p | grep -v ' \\(HOME\\|PATH\\|PUBLIC_URL\\|PWD\\|OLDPWD\\|SHLVL\\)=' >" + r.state + "/variables\n"
	}
	file := filepath.Join(r.state, "block-"+rand.Text())
	if err := os.WriteFile(r.outside(file), []byte(script), 0o600); err != nil {
		panic(err)
	}
	args := []string{"bash", file} // what the page says
	if terminal {
		args = []string{"script", "--quiet", "--return", "--command", "bash " + file, "/dev/null"}
	}
	if r.root != "" {
		args = append([]string{"chroot", r.root}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the same
	cmd.Env = append(append([]string{}, r.env...), "PUBLIC_URL=http://localhost:"+r.port("8000"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// port returns the port of this machine that stands for one of a page.
func (r *reader) port(page string) string {
	if r.ports[page] == "" {
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it closes at once
		if err != nil {
			panic(err)
		}
		_, r.ports[page], _ = net.SplitHostPort(listener.Addr().String())
		listener.Close()
	}
	return r.ports[page]
}

func (r *reader) run(t *testing.T, where, code, exit string) {
	t.Helper()
	t.Logf("%s\n%s", where, code)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	out, err := r.command(ctx, code, true).CombinedOutput()
	r.out = strings.ReplaceAll(string(out), "\r\n", "\n")
	want := "exit status " + exit
	switch {
	case exit == "" && err != nil, exit != "" && (err == nil || err.Error() != want):
		t.Fatalf("%s: %v\n%s\n%s\nservers:\n%s", where, err, code, out, r.logs())
	}
	t.Log(r.out)
}

// serve runs a block until the next page, and waits for its port.
func (r *reader) serve(t *testing.T, where, code string) {
	t.Helper()
	port := "8000"
	if m := regexp.MustCompile(`PORT=(\d+)`).FindStringSubmatch(code); m != nil {
		port = m[1]
	} else {
		code = "PORT=8000 " + code
	}
	cmd := r.command(context.WithoutCancel(t.Context()), code, false)
	log := &serverLog{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.servers = append(r.servers, cmd)
	address := "127.0.0.1:" + r.port(port)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			connection.Close()
			return
		}
		// A process of its own says nothing when it listens.
		select {
		case <-ctx.Done():
			t.Fatalf("%s: no server at %s: %v\n%s", where, address, err, log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *reader) logs() string {
	var b strings.Builder
	for _, s := range r.servers {
		fmt.Fprintln(&b, s.Stdout)
	}
	return b.String()
}

func (r *reader) stop() {
	for _, s := range r.servers {
		_ = syscall.Kill(-s.Process.Pid, syscall.SIGTERM) // fails when it has ended
		_ = s.Wait()                                      // ended by a signal
	}
	r.servers, r.ports = nil, map[string]string{}
}

// compare reports each line of a page that the output of the last block lacks. The
// lines are there in their order. A line may be a part of one, and … in it stands
// for anything.
func (r *reader) compare(t *testing.T, where, shown string) {
	t.Helper()
	rest := strings.ReplaceAll(r.out, r.ports["8000"], "8000")
	for line := range strings.Lines(shown) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
		at := regexp.MustCompile(pattern).FindStringIndex(rest)
		if at == nil {
			t.Errorf("%s: the output lacks %q:\n%s", where, line, r.out)
			return
		}
		rest = rest[at[1]:]
	}
}

type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *serverLog) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *serverLog) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// browserOf returns a person with a browser, who allows what a page asks for and comes
// back to the client.
func browserOf(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := url.Parse(r.URL.Query().Get("page"))
		if err != nil || target.Host == "" {
			http.Error(w, "no page", http.StatusBadRequest)
			return
		}
		b := brokertest.NewBrowser(t, http.DefaultTransport)
		page := b.Decide(b.Get(target.String()), "allow")
		b.Get(b.Follow(page, target.Query().Get("redirect_uri")))
	})
}

type functionName struct{}

// newAccount returns an account of AWS whose functions run.
func newAccount(t *testing.T) http.Handler {
	account := &fakeaws.Server{}
	functions := &functions{account: account, dir: t.TempDir(), running: map[string]*platform{}}
	account.Function = functions
	t.Cleanup(functions.stop)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := ""
		if m := regexp.MustCompile(`^/url/([^/]+)|/functions/([^/:]+)`).FindStringSubmatch(r.URL.Path); m != nil {
			name = m[1] + m[2] // by its URL, or by its name and version
		}
		account.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), functionName{}, name)))
	})
}

// functions are the functions of an account, each as it was deployed last.
type functions struct {
	account *fakeaws.Server
	dir     string

	mu      sync.Mutex
	running map[string]*platform // by name, code and variables
}

func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := r.Context().Value(functionName{}).(string)
	code, variables := f.account.Code(name), f.account.Environment(name)
	if len(code) == 0 {
		http.Error(w, "no function "+name, http.StatusBadGateway)
		return
	}
	key := fmt.Sprintf("%s-%d-%v", name, len(code), variables)
	f.mu.Lock()
	p := f.running[key]
	if p == nil {
		dir, err := os.MkdirTemp(f.dir, name)
		if err != nil {
			f.mu.Unlock()
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		p = &platform{account: f.account, name: name, dir: dir}
		f.running[key] = p
	}
	f.mu.Unlock()
	p.ServeHTTP(w, r)
}

func (f *functions) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.running {
		p.stop()
	}
}
