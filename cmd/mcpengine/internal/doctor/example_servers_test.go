package doctor_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// Nothing is wrong with the examples: as programs, over HTTP, and the one that wants
// tokens with a real provider, before and after somebody signs in.
func TestExamples(t *testing.T) {
	t.Parallel()
	const examples = "../../../../examples"
	for _, name := range []string{"weather", "board", "approval", "authboard"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := buildtest.Program(t, examples, "./"+name)
			address := freeAddress(t)
			at := "http://" + address + "/mcp"
			env := []string{"SQLITE_FILE=:memory:"}
			if name == "authboard" {
				provider := oidctest.Start(t, oidctest.Config{Resources: map[string]oidctest.Resource{at: {}}})
				env = append(env, "PUBLIC_URL=http://"+address, "OIDC_ISSUER="+provider.Issuer())
				start(t, program, address, env)
				target := target(t, at)
				wantWell(t, doctor.Server(t.Context(), target, steady()))
				target.Authorizer = authorizer(t, at, provider.Login)
				if err := target.Authorizer.SignIn(t.Context()); err != nil {
					t.Fatal(err)
				}
				r := doctor.Server(t.Context(), target, steady())
				wantWell(t, r)
				wantOK(t, r, "auth.accepted")
				wantOK(t, r, "auth.audience")
				return
			}
			start(t, program, address, env)
			wantWell(t, doctor.Server(t.Context(), target(t, at), steady()))
			if name == "weather" { // the others keep files where they are started
				wantWell(t, doctor.Command(t.Context(), doctor.Program{Line: []string{program}}, steady()))
			}
		})
	}
}

func wantOK(t *testing.T, r *doctor.Report, check string) {
	t.Helper()
	for _, f := range r.Findings() {
		if f.Check == check && f.Level == doctor.OK {
			return
		}
	}
	t.Errorf("%s has not been found to be well:\n%s", check, text(r.Findings()))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts a program that serves HTTP, and ends it with the test.
func start(t *testing.T, program, address string, env []string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), append(env, "PORT="+port, "MCPENGINE_TRANSPORT=http")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() { cancel(); <-ended })
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/healthz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-ended:
			t.Fatal("the server has ended")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
