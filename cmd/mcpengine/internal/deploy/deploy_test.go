package deploy_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A server is deployed in the order in which each thing needs the one before,
// and then answers a real request through its URL.
func TestDeploy(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	fake.Unassumable, fake.Settling, fake.Closed = 3, 3, 3
	var progress bytes.Buffer
	d := connect(fake.address, deploy.Config{Progress: terminal.New(&progress)})
	if err := apply(t.Context(), d, deploy.Spec{Name: "weather"}); err != nil {
		t.Fatal(err)
	}
	checkResources(t, fake, whole)
	want := []string{
		"iam:CreateRole", "iam:PutRolePolicy",
		"logs:CreateLogGroup", "logs:PutRetentionPolicy",
		"lambda:CreateFunction", "lambda:CreateFunction", "lambda:CreateFunction", "lambda:CreateFunction",
		"lambda:PublishVersion", "lambda:Invoke", "lambda:CreateAlias",
		"lambda:PutFunctionConcurrency", "lambda:CreateFunctionUrlConfig",
		"lambda:AddPermission", "lambda:AddPermission",
	}
	if diff := cmp.Diff(want, writes(fake)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if first := fake.Calls()[0]; first != "sts:GetCallerIdentity" {
		t.Errorf("the first request is %s", first)
	}

	endpoint, err := d.Find(t.Context(), "weather", "/mcp")
	if err != nil {
		t.Fatal(err)
	}
	if want := (deploy.Endpoint{URL: fake.address + "/url/weather/mcp"}); endpoint != want {
		t.Errorf("Find = %+v, want %+v", endpoint, want)
	}
	found, err := d.Probe(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if found.Server != "weather 1.0" || !slices.Contains(found.Versions, "2026-07-28") {
		t.Errorf("Probe = %+v", found)
	}
	golden(t, "progress.txt", strings.ReplaceAll(progress.String(), fake.address, "https://fake"))
}

func TestDeployAgainChangesNothing(t *testing.T) {
	t.Parallel()
	spec := deploy.Spec{
		Name: "weather", Arch: "amd64", Memory: 512, Timeout: 60, Env: map[string]string{"CITY": "Tokyo"},
		Stream: new(true), IAM: new(true), Concurrency: new(int32(5)), Retention: 30,
	}
	fake := deployed(t, spec)
	d := connect(fake.address, deploy.Config{})
	for _, again := range []deploy.Spec{spec, {Name: "weather"}} {
		if err := apply(t.Context(), d, again); err != nil {
			t.Fatal(err)
		}
	}
	if got := writes(fake); got != nil {
		t.Errorf("the second and third run changed something: %v", got)
	}
}

// released is what gives callers a function that has changed.
var released = []string{"lambda:PublishVersion", "lambda:Invoke", "lambda:UpdateAlias"}

// Each row deploys once, then again with another spec.
func TestUpdate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		first, second deploy.Spec
		code          []byte
		want          []string // what the second run changes
		resources     []string // what there is afterwards and was not by default
	}{
		{
			name: "new code",
			code: []byte("another server"),
			want: slices.Concat([]string{"lambda:UpdateFunctionCode"}, released),
		},
		{
			name:   "architecture",
			second: deploy.Spec{Arch: "amd64"},
			want:   slices.Concat([]string{"lambda:UpdateFunctionCode"}, released),
		},
		{
			name:   "memory and code: the code first",
			second: deploy.Spec{Memory: 1024},
			code:   []byte("another server"),
			want:   slices.Concat([]string{"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"}, released),
		},
		{
			name:   "streaming changes the URL and tells the server",
			second: deploy.Spec{Stream: new(true)},
			want:   slices.Concat([]string{"lambda:UpdateFunctionConfiguration"}, released, []string{"lambda:UpdateFunctionUrlConfig"}),
		},
		{
			name:   "public to IAM takes both permissions away",
			second: deploy.Spec{IAM: new(true)},
			want:   []string{"lambda:UpdateFunctionUrlConfig", "lambda:RemovePermission", "lambda:RemovePermission"},
		},
		{
			name:   "IAM to public adds both permissions",
			first:  deploy.Spec{IAM: new(true)},
			second: deploy.Spec{IAM: new(false)},
			want:   []string{"lambda:PutFunctionConcurrency", "lambda:UpdateFunctionUrlConfig", "lambda:AddPermission", "lambda:AddPermission"},
		},
		{
			name:   "retention",
			second: deploy.Spec{Retention: 365},
			want:   []string{"logs:PutRetentionPolicy"},
		},
		{
			name:   "a limit",
			second: deploy.Spec{Concurrency: new(int32(7))},
			want:   []string{"lambda:PutFunctionConcurrency"},
		},
		{
			name:   "no limit any more",
			first:  deploy.Spec{Concurrency: new(int32(7))},
			second: deploy.Spec{Concurrency: new(int32(0))},
			want:   []string{"lambda:DeleteFunctionConcurrency"},
		},
		{
			name:   "a variable is removed, the other one stays",
			first:  deploy.Spec{Env: map[string]string{"CITY": "Tokyo", "UNIT": "F"}},
			second: deploy.Spec{Env: map[string]string{"CITY": ""}},
			want:   slices.Concat([]string{"lambda:UpdateFunctionConfiguration"}, released),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.first.Name, test.second.Name = "weather", "weather"
			fake := deployed(t, test.first)
			fake.Settling = 2
			d := connect(fake.address, deploy.Config{})
			code := binary
			if test.code != nil {
				code = test.code
			}
			for range 2 { // the second time, nothing is left to do
				plan, err := d.Plan(t.Context(), test.second, built(code))
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Apply(t.Context(), plan); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, writes(fake)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// A plan is shown without changing anything, and shows no value of a variable.
func TestPlan(t *testing.T) {
	t.Parallel()
	full := deploy.Spec{
		Name: "weather", Memory: 512, Env: map[string]string{"API_KEY": "hunter2", "UNIT": "F"},
		Stream: new(true), Concurrency: new(int32(1)),
	}
	tests := []struct {
		name  string
		first *deploy.Spec
		spec  deploy.Spec
	}{
		{name: "new", spec: deploy.Spec{Name: "weather"}},
		{name: "new-full", spec: full},
		{name: "unchanged", first: &full, spec: deploy.Spec{Name: "weather"}},
		{name: "changed", first: &full, spec: deploy.Spec{
			Name: "weather", Arch: "amd64", Timeout: 900, Env: map[string]string{"API_KEY": "hunter3", "UNIT": "", "CITY": "Tokyo"},
			Stream: new(false), IAM: new(true), Concurrency: new(int32(0)), Retention: 1,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			if test.first != nil {
				fake = deployed(t, *test.first)
			}
			plan, err := connect(fake.address, deploy.Config{}).Plan(t.Context(), test.spec, built(binary))
			if err != nil {
				t.Fatal(err)
			}
			if got := writes(fake); got != nil {
				t.Errorf("the plan changed something: %v", got)
			}
			golden(t, "plan-"+test.name+".txt", plan.String())
		})
	}
}

// A resource of another owner stops a deployment before it has begun.
func TestResourcesOfOthers(t *testing.T) {
	t.Parallel()
	other := map[string]string{"mcpengine:managed-by": "mcpengine", "mcpengine:name": "another"}
	tests := []struct {
		name string
		add  func(*fakeaws.Server)
		want string
	}{
		{"function without tags", func(s *fakeaws.Server) { s.AddFunction("weather", nil) }, "function weather exists and was not made by mcpengine"},
		{"function of another deployment", func(s *fakeaws.Server) { s.AddFunction("weather", other) }, "function weather exists"},
		{"role without tags", func(s *fakeaws.Server) { s.AddRole("mcpengine-weather-eu-central-1", nil) }, "role mcpengine-weather-eu-central-1 exists"},
		{"log group without tags", func(s *fakeaws.Server) { s.AddLogGroup("/aws/lambda/weather", nil) }, "log group /aws/lambda/weather exists"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			test.add(fake.Server)
			before := fake.Resources()
			err := apply(t.Context(), connect(fake.address, deploy.Config{}), deploy.Spec{Name: "weather"})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(deploy.Hint(err), "another name") {
				t.Errorf("Plan: %v, hint %q; want %q", err, deploy.Hint(err), test.want)
			}
			checkResources(t, fake, before)
			if got := writes(fake); got != nil {
				t.Errorf("changes: %v", got)
			}
		})
	}
}

// A log group whose name only begins like the function's is another one.
func TestSimilarNames(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	fake.AddLogGroup("/aws/lambda/weather-old", nil)
	if err := apply(t.Context(), connect(fake.address, deploy.Config{}), deploy.Spec{Name: "weather"}); err != nil {
		t.Error(err)
	}
}

// A function that Lambda could not create is not mended by updating it.
func TestFailedFunction(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather"})
	fake.Break("weather", "The image is gone")
	err := apply(t.Context(), connect(fake.address, deploy.Config{}), deploy.Spec{Name: "weather"})
	if err == nil || !strings.Contains(err.Error(), "The image is gone") || !strings.Contains(deploy.Hint(err), "mcpengine destroy weather") {
		t.Errorf("Plan: %v, hint %q", err, deploy.Hint(err))
	}
}

// An update that is accepted and then comes to nothing is an error.
func TestUpdateRefused(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]deploy.Spec{"code": {Name: "weather", Arch: "amd64"}, "configuration": {Name: "weather", Memory: 512}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := deployed(t, deploy.Spec{Name: "weather"})
			fake.Settling, fake.Refusal = 2, "The KMS key is gone"
			err := apply(t.Context(), connect(fake.address, deploy.Config{}), spec)
			if err == nil || !strings.Contains(err.Error(), "Lambda gave up: The KMS key is gone") {
				t.Errorf("Apply: %v", err)
			}
		})
	}
}
