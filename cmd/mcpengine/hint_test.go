package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/oauth"
)

// refuser answers every request with the status in its path, and the challenge
// behind it.
func refuser(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, challenge := http.StatusNotFound, "" // of what is asked besides
		_, _ = fmt.Sscanf(r.URL.Path, "/%d/%s", &status, &challenge)
		switch challenge {
		case "bearer":
			w.Header().Set("WWW-Authenticate", "Bearer")
		case "scope":
			w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="notes:write files"`)
		case "hostile":
			w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="$(id)"`)
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Oops</title><body>page</body></html>")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Each way to refuse ends with its exit code and one hint that fits it, and no
// page is quoted.
func TestHintsOfServers(t *testing.T) {
	t.Parallel()
	url := refuser(t)
	for _, row := range []struct {
		path string
		args []string
		code int
		hint string
	}{
		{"/200", nil, 5, "is it an MCP server?"},
		{"/404", nil, 5, "is it an MCP server?"},
		{"/401", nil, 3, "sign in with mcpengine auth login " + url + "/401, or send"},
		{"/401/bearer", nil, 3, "sign in with mcpengine auth login " + url + "/401/bearer, or send"},
		{"/401", []string{"--header", "Authorization=Bearer x"}, 3, "the server refuses the credentials in the headers"},
		{"/401?key=secret", nil, 3, "sign in with mcpengine auth login URL, or send"},
		{"/403", nil, 3, "the server, or a proxy in front of it, does not allow this request"},
		{"/403/scope", nil, 3, "sign in with the scopes that the request needs: mcpengine auth login " + url + "/403/scope --scope notes:write --scope files"},
		{"/403/hostile", nil, 3, "the signed-in user may not do this"},
		{"/407", nil, 3, "the proxy requires credentials"},
		{"/503", nil, 4, "is the server running"},
	} {
		code, stdout, stderr := call(t.Context(), "", append([]string{"list", url + row.path}, row.args...)...)
		if code != row.code || stdout != "" || !strings.Contains(stderr, "\nmcpengine: hint: "+row.hint) ||
			strings.Count(stderr, "hint:") != 1 || strings.Contains(stderr, "<") {
			t.Errorf("%s %q: exit %d, stdout %q, stderr %s\nwant exit %d, hint %s", row.path, row.args, code, stdout, stderr, row.code, row.hint)
		}
	}
}

// The hint names the profile where that is what the commands know.
func TestHintNamesTheProfile(t *testing.T) {
	t.Parallel()
	home, url := t.TempDir(), refuser(t)
	getenv := func(name string) string {
		if name == "MCPENGINE_HOME" {
			return home
		}
		return ""
	}
	var out, errs strings.Builder
	if err := profile.NewStore(home, nil).Save(t.Context(), "notes", &profile.Profile{URL: url + "/401"}, ""); err != nil {
		t.Fatal(err)
	}
	const ask = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"h","version":"1"}}}` + "\n"
	for _, args := range [][]string{{"list", "notes"}, {"bridge", "notes"}} {
		errs.Reset()
		code := run(t.Context(), args, strings.NewReader(ask), &out, &errs, getenv)
		if code != 3 || !strings.Contains(errs.String(), "\nmcpengine: hint: sign in with mcpengine auth login notes") {
			t.Errorf("%q: exit %d, stderr %s", args, code, errs.String())
		}
	}
}

// docs/cli.md has every exit code of the program, and every command and flag that
// it names is one.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	c := &cli{}
	known := map[string]bool{"--": true}
	for _, cmd := range c.commands(nil) {
		for _, cmd := range append(cmd.Commands(), cmd) {
			known[cmd.Name()] = true
			for word := range strings.FieldsSeq(cmd.Flags().FlagUsages()) {
				known[strings.TrimRight(word, ",")] = true
			}
			for _, name := range hiddenFlags(cmd.Flags()) {
				known["--"+name] = true
			}
		}
	}
	for _, file := range []string{"cli.md", "hosts.md", "bridge.md"} {
		text, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile("(?:`|mcpengine )(--[a-z][a-z0-9-]+)|mcpengine ([a-z]+)").FindAllStringSubmatch(string(text), -1) {
			for _, name := range match[1:] {
				if name != "" && !known[name] && !strings.Contains("is has does was made itself and the", name) {
					t.Errorf("docs/%s names %s, which there is not", file, name)
				}
			}
		}
		if file != "cli.md" {
			continue
		}
		for code := exitError; code <= exitProtocol; code++ {
			if !strings.Contains(string(text), "\n| "+strconv.Itoa(code)+" | ") {
				t.Errorf("docs/cli.md lacks exit code %d", code)
			}
		}
	}
}

func hiddenFlags(flags *pflag.FlagSet) (names []string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// The hint of a sign-in that fails names the flag that helps.
func TestSignInHints(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"sign in with --insecure-no-issuer":               oauth.ErrMixUp,
		"can be used, with --insecure-no-pkce":            oauth.ErrNoPKCE,
		"name it with --client-metadata; or register":     oauth.ErrNoDocument,
		"register a client with the authorization server": oauth.ErrRegistration,
		"or the word none, with --insecure-resource":      &oauth.Error{Code: "invalid_target", Status: 400},
	} {
		c := &cli{}
		if got := c.hintOf(authError{fmt.Errorf("sign in: %w", err)}); !strings.Contains(got, want) {
			t.Errorf("%v: hint %q, want %q", err, got, want)
		}
	}
}
