package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// descendants are the processes below one, by their ids.
func descendants(t *testing.T, pid int) (found []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// The name of the program, in parentheses, may hold anything.
		_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
		var state string
		var child, parent int
		_, stateErr := fmt.Sscan(rest, &state, &parent)
		if _, err := fmt.Sscan(string(stat), &child); err == nil && stateErr == nil && parent == pid {
			found = append(append(found, child), descendants(t, child)...)
		}
	}
	return found
}

// H12: the command lines and environments of the bridge and of the processes
// that it starts show no secret.
func TestAttackH12Processes(t *testing.T) {
	t.Parallel()
	const key, token, secret = "literal-key-8731", "printed-token-4410", "client-secret-5527"
	e, _ := newFar(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-Key") != key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		e.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "secret")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	home := setUp(t, server.URL, "--client-id", "client", "--client-secret", "@"+file,
		"--header", "X-Key=literal:"+key, "--header", "Authorization=command:cat "+pipe)
	b := startBridge(t, home)
	b.ask("0", "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"host","version":"1"}}`)
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // when the command reads
	if err != nil {
		t.Fatal(err)
	}
	children := descendants(t, b.cmd.Process.Pid)
	if len(children) == 0 {
		t.Error("the bridge runs no command")
	}
	visible(t, append(children, b.cmd.Process.Pid), key, token, secret)
	if _, err := io.WriteString(writer, "Bearer "+token); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if a := b.answer("0"); a.Error != nil {
		t.Fatalf("the handshake is answered with %s", a.raw)
	}
	b.call("1", "echo")
	b.echoed("1")
	visible(t, append(descendants(t, b.cmd.Process.Pid), b.cmd.Process.Pid), key, token, secret)
	b.end()
}

// visible checks that the processes show none of the secrets.
func visible(t *testing.T, pids []int, secrets ...string) {
	t.Helper()
	for _, pid := range pids {
		for _, name := range []string{"cmdline", "environ"} {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err != nil || len(data) == 0 {
				t.Errorf("%s of %d: %d bytes, %v", name, pid, len(data), err)
			}
			for _, secret := range secrets {
				if strings.Contains(string(data), secret) {
					t.Errorf("%s of %d shows %s", name, pid, secret)
				}
			}
		}
	}
}
