package deploy_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
)

func rollback(ctx context.Context, d *deploy.Deployer, version string) error {
	plan, err := d.PlanRollback(ctx, "weather", "/mcp", version)
	if err != nil {
		return err
	}
	return d.Apply(ctx, plan)
}

// release deploys the server with code of its own.
func release(t *testing.T, fake *cloud, code string, spec deploy.Spec) error {
	t.Helper()
	spec.Name = "weather"
	d := connect(fake.address, deploy.Config{})
	plan, err := d.Plan(t.Context(), spec, built([]byte(code)))
	if err != nil {
		return err
	}
	return d.Apply(t.Context(), plan)
}

// checkLive checks which version callers reach.
func checkLive(t *testing.T, fake *cloud, version string) {
	t.Helper()
	if got := strings.Join(fake.Resources(), "\n"); !strings.HasPrefix(got, "alias weather:live of version "+version+"\n") {
		t.Errorf("callers do not reach version %s:\n%s", version, got)
	}
}

// A version that does not answer is never given to callers, and the next one is.
func TestVersionWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]struct {
		payload, failure, want string
	}{
		"a start that fails": {`{"errorType":"Runtime.ExitError","errorMessage":"Runtime exited with error: exit status 1"}`, "Unhandled", "Runtime.ExitError: Runtime exited with error: exit status 1"},
		"another path":       {`{"statusCode":404,"headers":{},"body":"404 page not found"}`, "", "404 Not Found: 404 page not found"},
		"another protocol":   {`{"statusCode":200,"headers":{},"body":"hello"}`, "", "not a message of MCP: hello"},
		"no answer of HTTP":  {`"hello"`, "", "the answer is not a message of MCP"},
		"text":               {"hel\x00lo", "", "NUL bytes"},
		"nothing":            {"", "Unhandled", "the invocation has failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			fake.Invoke = func(*http.Request, []byte) ([]byte, string) { return []byte(failed.payload), failed.failure }
			err := release(t, fake, "one", deploy.Spec{})
			if !errors.Is(err, deploy.ErrNoAnswer) || !strings.Contains(err.Error(), failed.want) || strings.Contains(err.Error(), "still reach") || !strings.Contains(deploy.Hint(err), "mcpengine logs weather") {
				t.Fatalf("first deployment: %v, hint %q; want %s", err, deploy.Hint(err), failed.want)
			}
			if got := strings.Join(fake.Resources(), "\n"); strings.Contains(got, "alias") || strings.Contains(got, "url") {
				t.Errorf("callers reach a version that does not answer:\n%s", got)
			}
		})
	}
	fake := deployed(t, deploy.Spec{Name: "weather"})
	fake.Invoke = func(*http.Request, []byte) ([]byte, string) { return nil, "Unhandled" }
	err := release(t, fake, "broken", deploy.Spec{})
	if !errors.Is(err, deploy.ErrNoAnswer) || !strings.Contains(err.Error(), "callers still reach version 1") {
		t.Errorf("second deployment: %v", err)
	}
	checkLive(t, fake, "1")
	fake.Invoke = nil
	if err := release(t, fake, "broken", deploy.Spec{}); err != nil { // because of something else, it turns out
		t.Error(err)
	}
	checkLive(t, fake, "2")
}

// A server that wants callers to sign in has answered, and one that streams too.
func TestVersionAnswers(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"protected": `{"statusCode":401,"headers":{},"body":""}`,
		"streamed":  `{"statusCode":200,"headers":{"content-type":"application/json"}}` + "\x00\x00\x00\x00\x00\x00\x00\x00" + `{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"]}}`,
	} {
		fake := serve(t)
		fake.Invoke = func(*http.Request, []byte) ([]byte, string) { return []byte(payload), "" }
		if err := release(t, fake, "one", deploy.Spec{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather"})
	for _, code := range []string{"two", "three"} {
		if err := release(t, fake, code, deploy.Spec{}); err != nil {
			t.Fatal(err)
		}
	}
	d := connect(fake.address, deploy.Config{})
	for _, step := range []struct{ to, want, err, hint string }{
		{"", "2", "", ""},
		{"", "1", "", ""},
		{"", "1", "function weather has no version before 1", "--to"},
		{"3", "3", "", ""},
		{"3", "3", "", ""},
		{"9", "3", "function weather has no version 9", "its versions are [1 2 3]"},
		{"0", "3", `version "0" is not a number from 1`, ""},
		{"-1", "3", `version "-1" is not a number from 1`, ""},
		{"$LATEST", "3", `version "$LATEST" is not a number from 1`, ""},
		{"live", "3", `version "live" is not a number from 1`, ""},
		{"01", "1", "", ""},
	} {
		err := rollback(t.Context(), d, step.to)
		if step.err == "" && err != nil || step.err != "" && (err == nil || !strings.Contains(err.Error(), step.err) || !strings.Contains(deploy.Hint(err), step.hint)) {
			t.Errorf("to %q: %v, hint %q; want %s", step.to, err, deploy.Hint(err), step.err)
		}
		checkLive(t, fake, step.want)
	}
	// The next deployment goes on from what was deployed last.
	fake.Forget()
	if err := release(t, fake, "three", deploy.Spec{}); err != nil {
		t.Fatal(err)
	}
	checkLive(t, fake, "3")
	// A version that does not answer is not gone back to.
	fake.Invoke = func(*http.Request, []byte) ([]byte, string) { return nil, "Unhandled" }
	if err := rollback(t.Context(), d, "1"); !errors.Is(err, deploy.ErrNoAnswer) {
		t.Errorf("to a version that does not answer: %v", err)
	}
	checkLive(t, fake, "3")
}

func TestRollbackFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		add        func(*fakeaws.Server)
		want, hint string
	}{
		"missing":      {func(*fakeaws.Server) {}, "there is no server weather in region eu-central-1", "mcpengine deployments"},
		"of others":    {func(s *fakeaws.Server) { s.AddFunction("weather", nil) }, "exists and was not made by mcpengine", ""},
		"not finished": {func(s *fakeaws.Server) { s.AddFunction("weather", ours) }, "the deployment of weather is not finished", "mcpengine deploy"},
	} {
		fake := serve(t)
		test.add(fake.Server)
		err := rollback(t.Context(), connect(fake.address, deploy.Config{}), "")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(deploy.Hint(err), test.hint) || len(writes(fake)) > 0 {
			t.Errorf("%s: %v, hint %q, changes %v", name, err, deploy.Hint(err), writes(fake))
		}
	}
	err := rollback(t.Context(), connect("http://127.0.0.1:1", deploy.Config{}), "x")
	if err == nil || !strings.Contains(err.Error(), `version "x" is not`) {
		t.Errorf("a version that is none is looked for: %v", err)
	}
}

// The servers in a region are listed, and no function of somebody else.
func TestList(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather", Program: "example.com/~me/weather", IAM: new(true)})
	d := connect(fake.address, deploy.Config{})
	if err := release(t, fake, "two", deploy.Spec{}); err != nil {
		t.Fatal(err)
	}
	fake.SetHook(func(called string) *fakeaws.Fault {
		if called != "lambda:PublishVersion" {
			return nil
		}
		return &denied
	})
	if err := apply(t.Context(), d, deploy.Spec{Name: "board"}); err == nil {
		t.Fatal("a deployment that cannot be finished is")
	}
	fake.SetHook(nil)
	fake.AddFunction("other", nil)
	fake.Forget()
	got, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []deploy.Deployment{
		{Name: "board", Region: "eu-central-1", Updated: noon},
		{Name: "weather", Region: "eu-central-1", URL: fake.address + "/url/weather/", IAM: true, Package: "example.com/~me/weather", Version: "2", Updated: noon},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if got := writes(fake); got != nil {
		t.Errorf("listing changes something: %v", got)
	}
}
