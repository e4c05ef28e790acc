package deploy_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A function runs one program, told by its module and folder. Another one of the
// same name leaves it alone, unless it is said to take its place.
func TestOtherProgram(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	d := connect(fake.address, deploy.Config{})
	spec := deploy.Spec{Name: "weather", Program: "example.com/one/weather"}
	if err := apply(t.Context(), d, spec); err != nil {
		t.Fatal(err)
	}
	fake.Forget()
	spec.Program = "example.com/two/weather"
	err := apply(t.Context(), d, spec)
	if want := "function weather runs example.com/one/weather and not example.com/two/weather: it is left alone"; err == nil || err.Error() != want || !strings.Contains(deploy.Hint(err), "--replace") {
		t.Errorf("Plan: %v, hint %q; want %s", err, deploy.Hint(err), want)
	}
	if changes := writes(fake); len(changes) > 0 {
		t.Errorf("changes %q", changes)
	}
	spec.Replace = true
	if err := apply(t.Context(), d, spec); err != nil {
		t.Fatal(err)
	}
	if changes := writes(fake); len(changes) != 1 || changes[0] != "lambda:TagResource" {
		t.Errorf("changes %q, want the tag alone", changes)
	}
	spec.Replace = false
	if err := apply(t.Context(), d, spec); err != nil {
		t.Errorf("its own program again: %v", err)
	}
}

// A public URL is bounded when it becomes public, unless somebody has said
// otherwise; one for signed requests is not.
func TestPublicIsBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		specs []deploy.Spec
		want  bool
	}{
		"public":                    {[]deploy.Spec{{}}, true},
		"no limit":                  {[]deploy.Spec{{Concurrency: new(int32(0))}}, false},
		"no limit, and deployed on": {[]deploy.Spec{{Concurrency: new(int32(0))}, {}}, false},
		"signed":                    {[]deploy.Spec{{IAM: new(true)}}, false},
		"signed, then public":       {[]deploy.Spec{{IAM: new(true)}, {IAM: new(false)}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			for _, spec := range test.specs {
				spec.Name = "weather"
				if err := apply(t.Context(), connect(fake.address, deploy.Config{}), spec); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Contains(strings.Join(fake.Resources(), "\n"), "with concurrency 10"); got != test.want {
				t.Errorf("bounded is %v, want %v", got, test.want)
			}
		})
	}
}

// An account without concurrency to reserve is bounded by its own limit. What was
// asked for is an error there.
func TestNoConcurrencyLeft(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		fake := serve(t)
		fake.SetHook(func(called string) *fakeaws.Fault {
			if called != "lambda:PutFunctionConcurrency" {
				return nil
			}
			return &fakeaws.Fault{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: "decreases account's UnreservedConcurrentExecution below its minimum value of [10]"}
		})
		spec := deploy.Spec{Name: "weather"}
		if asked {
			spec.Concurrency = new(int32(10))
		}
		var said bytes.Buffer
		err := apply(t.Context(), connect(fake.address, deploy.Config{Progress: terminal.New(&said)}), spec)
		if (err != nil) != asked || !asked && !strings.Contains(said.String(), "its own limit bounds the function") {
			t.Errorf("asked for: %v, error %v, said %s", asked, err, &said)
		}
	}
}

// The role may write the function's own log and nothing else, and only Lambda may
// take it on, for this account.
func TestLeastRole(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather"})
	trust, policies := fake.Role("mcpengine-weather-eu-central-1")
	if !strings.Contains(trust, `"aws:SourceAccount":"`+fakeaws.Account+`"`) {
		t.Errorf("the role trusts %s", trust)
	}
	want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],` +
		`"Resource":"arn:aws:logs:eu-central-1:` + fakeaws.Account + `:log-group:/aws/lambda/weather:*"}]}`
	if len(policies) != 1 || policies["mcpengine-log"] != want {
		t.Errorf("the role has %v, want %s", policies, want)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather"})
	d := connect(fake.address, deploy.Config{})
	if got := d.Tail(t.Context(), "weather", noon, 2); got != "" {
		t.Errorf("Tail without a log = %q", got)
	}
	for _, line := range []string{"one", "two", "panic: \x1b[31mno key"} {
		fake.Log("/aws/lambda/weather", noon, line)
	}
	if got, want := d.Tail(t.Context(), "weather", noon, 2), "…\n2026-11-22T12:00:00.000Z two\n2026-11-22T12:00:00.000Z panic: \\u001b[31mno key"; got != want {
		t.Errorf("Tail = %q, want %q", got, want)
	}
	if got := d.Tail(t.Context(), "missing", noon, 2); got != "" {
		t.Errorf("Tail of nothing = %q", got)
	}
}

// Build tags and linker flags reach the go command beside its own.
func TestBuildFlags(t *testing.T) {
	t.Parallel()
	folder := module(t, "//go:build special\n\npackage main\n\nvar version string\n\nfunc main() { println(version) }\n")
	if _, err := deploy.FindSource(t.Context(), folder, deploy.BuildFlags{}); err == nil {
		t.Error("the program is found without its tag")
	}
	flags := deploy.BuildFlags{Tags: "special", LDFlags: "-X main.version=very-special-version"}
	source, err := deploy.FindSource(t.Context(), folder, flags)
	if err != nil {
		t.Fatal(err)
	}
	code, err := source.Build(t.Context(), "arm64")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(unzipped(t, code.Zip), []byte("very-special-version")) {
		t.Error("the linker flag is not in the program")
	}
}

// unzipped is the one file of a package.
func unzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
