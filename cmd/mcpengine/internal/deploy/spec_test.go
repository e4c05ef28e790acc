package deploy_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

func TestSpecCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		spec deploy.Spec
		want string // error
	}{
		{"a name is enough", deploy.Spec{Name: "weather_2-b"}, ""},
		{"everything at its bound", deploy.Spec{Name: strings.Repeat("x", 64), Arch: "amd64", Memory: 10240, Timeout: 900, Retention: 3653, Concurrency: new(int32(0))}, ""},
		{"no name", deploy.Spec{}, `name "" is not 1 to 64 letters`},
		{"a name with a slash", deploy.Spec{Name: "a/b"}, "is not 1 to 64 letters"},
		{"a name like an ARN", deploy.Spec{Name: "arn:aws:lambda:x"}, "is not 1 to 64 letters"},
		{"a name that is too long", deploy.Spec{Name: strings.Repeat("x", 65)}, "is not 1 to 64 letters"},
		{"an architecture", deploy.Spec{Name: "w", Arch: "x86_64"}, `"x86_64" is not "arm64" or "amd64"`},
		{"too little memory", deploy.Spec{Name: "w", Memory: 127}, "between 128 and 10240"},
		{"too much memory", deploy.Spec{Name: "w", Memory: 10241}, "between 128 and 10240"},
		{"too much time", deploy.Spec{Name: "w", Timeout: 901}, "between 1 and 900"},
		{"negative time", deploy.Spec{Name: "w", Timeout: -1}, "between 1 and 900"},
		{"negative concurrency", deploy.Spec{Name: "w", Concurrency: new(int32(-1))}, "concurrency of -1"},
		{"a retention that AWS does not know", deploy.Spec{Name: "w", Retention: 2}, "is not one of 1 3 5 7 14"},
		{"a variable with a dash", deploy.Spec{Name: "w", Env: map[string]string{"A-B": "x"}}, `environment variable "A-B"`},
		{"a variable of Lambda", deploy.Spec{Name: "w", Env: map[string]string{"AWS_REGION": "x"}}, "AWS_REGION is one of Lambda's own"},
		{"the mode", deploy.Spec{Name: "w", Env: map[string]string{"MCPENGINE_LAMBDA_MODE": "x"}}, "follows from --stream"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.spec.Check()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Check() = %v, want %q", err, test.want)
			}
		})
	}
}

// The role's name holds name and region, and is the longer of the two names.
func TestNameTooLongForRole(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	d := connect(fake.address, deploy.Config{})
	_, err := d.Plan(t.Context(), deploy.Spec{Name: strings.Repeat("x", 42)}, built(binary))
	if err == nil || !strings.Contains(err.Error(), "may have 64 characters and has 65") {
		t.Errorf("Plan: %v", err)
	}
	if _, err := d.Plan(t.Context(), deploy.Spec{Name: strings.Repeat("x", 41)}, built(binary)); err != nil {
		t.Errorf("Plan: %v", err)
	}
}
