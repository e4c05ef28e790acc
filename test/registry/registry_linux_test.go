package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/manifest"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// startRegistry runs the official registry until the end of the test, and returns its
// URL. Linux alone takes the roots of certificates from SSL_CERT_FILE.
func startRegistry(t *testing.T, g *gitHub) string {
	t.Helper()
	database := pgtest.Start(t).Database(t, "registry")
	program := buildtest.Program(t, ".", "github.com/modelcontextprotocol/registry/cmd/registry")
	address := freeAddress(t)
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // it ends in a cleanup, when the context of the test has ended
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{
		"MCP_REGISTRY_DATABASE_URL=" + database, "MCP_REGISTRY_SERVER_ADDRESS=" + address,
		"MCP_REGISTRY_JWT_PRIVATE_KEY=" + strings.Repeat("01", 32), "MCP_REGISTRY_GITHUB_OIDC_AUDIENCE=http://" + address,
		"HTTPS_PROXY=" + g.proxy, "SSL_CERT_FILE=" + g.rootFile,
	}
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("the registry wrote:\n%.4000s", log.String())
		}
	})
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-ticker.C {
		if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
			conn.Close()
			return "http://" + address
		}
		if time.Now().After(deadline) {
			t.Fatal("the registry does not listen")
		}
	}
}

// freeAddress returns an address of this machine that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// A workflow runs commands in the folder of a server, as a job of GitHub Actions does.
type workflow struct {
	*testing.T
	dir       string
	mcpengine string
	env       []string
}

func (w workflow) run(name string, args ...string) (stdout, stderr string, err error) {
	w.Helper()
	var out, errors bytes.Buffer
	cmd := exec.CommandContext(w.Context(), name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}

func (w workflow) must(name string, args ...string) string {
	w.Helper()
	out, errors, err := w.run(name, args...)
	if err != nil {
		w.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errors)
	}
	return out
}

// refused runs a command that has to fail, with a text in what it says.
func (w workflow) refused(want, name string, args ...string) {
	w.Helper()
	out, errors, err := w.run(name, args...)
	if err == nil || !strings.Contains(errors, want) {
		w.Errorf("%s %s: %v, want %q\n%s%s", name, strings.Join(args, " "), err, want, out, errors)
	}
}

// newServer writes a server whose commit is tagged.
func newServer(t *testing.T, g *gitHub) workflow {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := workflow{t, filepath.Join(t.TempDir(), "weather"), buildtest.Program(t, filepath.Join(root, "cmd", "mcpengine"), "."), append(append(
		os.Environ(), buildtest.Environment()...,
	), "GOPROXY=off", "HTTPS_PROXY="+g.proxy, "SSL_CERT_FILE="+g.rootFile, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"ACTIONS_ID_TOKEN_REQUEST_URL="+pipelines+"/identity?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=workflow")}
	from := w
	from.dir = filepath.Dir(w.dir)
	from.must(w.mcpengine, "new", "weather", "--source", root, "--module", "github.com/acme/weather")
	text := `{
		"title": "Weather", "description": "Forecasts for every city.", "license": "MIT", "author": {"name": "Acme"},
		"websiteUrl": "https://acme.example/weather", "icons": [{"src": "https://acme.example/w.png", "mimeType": "image/png", "sizes": ["48x48"], "theme": "dark"}],
		"remotes": [{"type": "streamable-http", "url": "https://{region}.acme.example/mcp", "variables": {"region": {"default": "eu", "choices": ["eu", "us"]}},
			"headers": [{"name": "X-Key", "description": "Your key.", "isRequired": true, "isSecret": true}]}]
	}`
	if err := os.WriteFile(filepath.Join(w.dir, manifest.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must("git", "init", "-q")
	w.must("git", "add", "-A")
	w.must("git", "-c", "user.name=a", "-c", "user.email=a@acme.example", "commit", "-qm", "all")
	w.must("git", "tag", "v1.2.0")
	return w
}

// A release is bundled, uploaded and published, as a workflow does it, and the official
// registry has what server.json says.
func TestPublish(t *testing.T) {
	g := startGitHub(t)
	url := startRegistry(t, g)
	w := newServer(t, g)
	bundle := strings.TrimSpace(w.must(w.mcpengine, "package", "--mcpb", ".", "--platform", "linux-amd64", "-o", w.TempDir()))
	publish := []string{"publish", "--mcpb", bundle, "--registry", url, "--yes"}

	// The bundle has to be there first.
	w.refused("status 404: upload the bundle before its entry is published", w.mcpengine, publish...)
	data, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.assets["/acme/weather/releases/download/v1.2.0/"+filepath.Base(bundle)] = data
	g.mu.Unlock()

	w.must(w.mcpengine, append(publish, "--dry-run", "-o", "server.json")...)
	if status, _ := ask(t, http.MethodGet, url+"/v0.1/servers/io.github.acme%2Fweather/versions/1.2.0", nil); status != http.StatusNotFound {
		t.Errorf("after a dry run the version has status %d", status)
	}
	if got := w.must(w.mcpengine, publish...); got != "io.github.acme/weather 1.2.0\n" {
		t.Errorf("publish prints %q", got)
	}

	var want, got struct{ Server any }
	text, err := os.ReadFile(filepath.Join(w.dir, "server.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want.Server); err != nil {
		t.Fatal(err)
	}
	_, answer := ask(t, http.MethodGet, url+"/v0.1/servers/io.github.acme%2Fweather/versions/1.2.0", nil)
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the registry differs from server.json (-file +registry):\n%s", diff)
	}
	if issues := issuesOf(t, url, text); issues != nil {
		t.Errorf("the registry finds in server.json: %v", issues)
	}

	// A version is published once, and under the namespace of its owner alone.
	w.refused("1.2.0 is published, and a published version never changes", w.mcpengine, publish...)
	g.mu.Lock()
	g.owner = "stranger"
	g.assets["/acme/weather/releases/download/v1.2.1/"+filepath.Base(bundle)] = data
	g.mu.Unlock()
	w.must("git", "tag", "v1.2.1")
	w.refused("publish: status 403: You do not have permission to publish this server. You have permission to publish: io.github.stranger/*", w.mcpengine, publish...)
}

// ask sends a request to the registry.
func ask(t *testing.T, method, url string, body []byte) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// issuesOf has the registry check a file against its schema and its other rules.
func issuesOf(t *testing.T, url string, text []byte) (issues []string) {
	t.Helper()
	status, answer := ask(t, http.MethodPost, url+"/v0.1/validate", text)
	var result struct {
		Valid  bool
		Issues []struct{ Path, Message string }
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if status == http.StatusUnprocessableEntity { // its types refuse it before its rules do
		return []string{string(answer)}
	}
	for _, issue := range result.Issues {
		issues = append(issues, issue.Path+": "+issue.Message)
	}
	if !result.Valid && issues == nil {
		issues = []string{"not valid"}
	}
	return issues
}

// What a manifest may say is what the registry takes, and what the registry refuses a
// manifest may not say.
func TestRules(t *testing.T) {
	url := startRegistry(t, startGitHub(t))
	pack := func(members string) string { return `"packages":[{"transport":{"type":"stdio"},` + members + `}]` }
	remote := func(members string) string { return `"remotes":[{"type":"streamable-http",` + members + `}]` }
	for name, test := range map[string]struct {
		members string
		valid   bool
	}{
		"nothing more":                 {`"title":"T"`, true},
		"a title of white space":       {`"title":" "`, false},
		"a site over http":             {`"websiteUrl":"http://acme.example"`, false},
		"a site":                       {`"websiteUrl":"https://acme.example/a?b=c"`, true},
		"a repository on GitHub":       {`"repository":{"url":"https://github.com/a/b","source":"github"}`, true},
		"a repository in groups":       {`"repository":{"url":"https://gitlab.com/a/b/c","source":"gitlab","subfolder":"d/e"}`, true},
		"a repository elsewhere":       {`"repository":{"url":"https://example.com/a/b","source":"github"}`, false},
		"a route of GitLab":            {`"repository":{"url":"https://gitlab.com/a/b/-/tree","source":"gitlab"}`, false},
		"a subfolder outside":          {`"repository":{"url":"https://github.com/a/b","source":"github","subfolder":"../c"}`, false},
		"an icon":                      {`"icons":[{"src":"https://acme.example/i.png","sizes":["48x48","any"]}]`, true},
		"an icon over http":            {`"icons":[{"src":"http://acme.example/i.png"}]`, false},
		"an icon of another type":      {`"icons":[{"src":"https://acme.example/i","mimeType":"image/gif"}]`, false},
		"an icon of a wrong size":      {`"icons":[{"src":"https://acme.example/i","sizes":["big"]}]`, false},
		"a remote":                     {remote(`"url":"https://acme.example/mcp"`), true},
		"a remote with a variable":     {remote(`"url":"https://{a}.example/mcp","variables":{"a":{"default":"x"}}`), true},
		"a remote with a port":         {remote(`"url":"https://a.example:{p}/mcp","variables":{"p":{}}`), true},
		"an undeclared variable":       {remote(`"url":"https://{a}.example/mcp"`), false},
		"a local remote":               {remote(`"url":"https://localhost/mcp"`), false},
		"a remote over http":           {remote(`"url":"http://acme.example/mcp"`), false},
		"a remote without a URL":       {remote(`"headers":[]`), false},
		"a remote over stdio":          {`"remotes":[{"type":"stdio"}]`, false},
		"a package of npm":             {pack(`"registryType":"npm","identifier":"@a/b","version":"1.0.0"`), true},
		"a package with a space":       {pack(`"registryType":"npm","identifier":"a b","version":"1.0.0"`), false},
		"a package with a range":       {pack(`"registryType":"npm","identifier":"ab","version":"^1.0.0"`), false},
		"an unfinished digest":         {pack(`"registryType":"npm","identifier":"ab","version":"1","fileSha256":"AB"`), false},
		"stdio with a URL":             {`"packages":[{"registryType":"npm","identifier":"a","version":"1","transport":{"type":"stdio","url":"https://a.example"}}]`, false},
		"an argument that has a name":  {pack(`"registryType":"npm","identifier":"a","version":"1","packageArguments":[{"type":"named","name":"--port","value":"80"}]`), true},
		"a name with its value":        {pack(`"registryType":"npm","identifier":"a","version":"1","packageArguments":[{"type":"named","name":"--port 80"}]`), false},
		"a value with its name":        {pack(`"registryType":"npm","identifier":"a","version":"1","packageArguments":[{"type":"named","name":"--port","value":"--port=80"}]`), false},
		"a positional argument":        {pack(`"registryType":"npm","identifier":"a","version":"1","packageArguments":[{"type":"positional","valueHint":"file","isRepeated":true}]`), true},
		"a position without a value":   {pack(`"registryType":"npm","identifier":"a","version":"1","packageArguments":[{"type":"positional"}]`), false},
		"variables of the environment": {pack(`"registryType":"npm","identifier":"a","version":"1","environmentVariables":[{"name":"KEY","isSecret":true,"format":"string"}]`), true},
		"a port in the URL":            {`"packages":[{"registryType":"npm","identifier":"a","version":"1","packageArguments":[{"type":"positional","valueHint":"port"}],"transport":{"type":"sse","url":"http://localhost:{port}/sse"}}]`, true},
	} {
		t.Run(name, func(t *testing.T) { compare(t, url, test.members, test.valid) })
	}
	for version, valid := range map[string]bool{
		"1.2.3": true, "v1.2.3": true, "1.2.3-rc.1+build": true, "2026-12-01": true, "1": true, "next": true,
		"latest": false, "^1.2.3": false, "~1.2": false, ">=1.2.3": false, "1.x": false, "1.2.*": false, "1 - 2": false, "1.2 || 1.3": false,
	} {
		compareFile(t, url, fmt.Sprintf(`"name":"io.github.acme/weather","description":"d","version":%q`, version), valid)
	}
	for name, valid := range map[string]bool{
		"io.github.acme/weather": true, "com.example/we_a.th-er": true, "a-b/c1": true,
		"io.github.acme": false, "io.github.acme/a/b": false, "io.github.acme/": false, "io.github.acme/w": false,
		"io.github.acme./ww": false, "io.github.acme/ww-": false, "io_github/ww": false, "io.github.acme/w w": false,
	} {
		compareFile(t, url, fmt.Sprintf(`"name":%q,"description":"d","version":"1.0.0"`, name), valid)
	}
}

func compare(t *testing.T, url, members string, valid bool) {
	t.Helper()
	compareFile(t, url, `"name":"io.github.acme/weather","description":"d","version":"1.0.0",`+members, valid)
}

// compareFile has the manifest's rules and the registry's decide about the members.
func compareFile(t *testing.T, url, members string, valid bool) {
	t.Helper()
	_, ours := manifest.Parse([]byte("{" + members + "}"))
	theirs := issuesOf(t, url, []byte(`{"$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",`+members+"}"))
	if (ours == nil) != valid || (theirs == nil) != valid {
		t.Errorf("{%s}: valid is %v, the manifest's rules say %v, and the registry's %v", members, valid, ours, theirs)
	}
}
