package deploy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
)

var ours = map[string]string{"mcpengine:managed-by": "mcpengine", "mcpengine:name": "weather"}

func destroy(ctx context.Context, d *deploy.Deployer, name string) error {
	plan, err := d.PlanDestroy(ctx, name, false)
	if err != nil {
		return err
	}
	return d.Apply(ctx, plan)
}

// A deployment is removed in reverse, and a plan of that changes nothing.
func TestDestroy(t *testing.T) {
	t.Parallel()
	fake := deployed(t, limited)
	d := connect(fake.address, deploy.Config{})
	plan, err := d.PlanDestroy(t.Context(), "weather", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := writes(fake); got != nil {
		t.Errorf("the plan changed something: %v", got)
	}
	golden(t, "plan-destroy.txt", strings.ReplaceAll(plan.String(), fake.address, "https://fake"))
	if err := d.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	checkResources(t, fake, nil)
	want := []string{
		"lambda:DeleteFunctionUrlConfig", "lambda:DeleteFunction", "logs:DeleteLogGroup",
		"iam:DeleteRolePolicy", "iam:DeleteRole",
	}
	if diff := cmp.Diff(want, writes(fake)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	// Once more there is nothing to do.
	if plan, err = d.PlanDestroy(t.Context(), "weather", false); err != nil || plan.Changes() {
		t.Errorf("second plan: %v, %v", plan, err)
	}
}

// Resources of another owner are not removed.
func TestDestroyResourcesOfOthers(t *testing.T) {
	t.Parallel()
	const roleName = "mcpengine-weather-eu-central-1"
	tests := []struct {
		name string
		add  func(*fakeaws.Server)
		want string   // error
		left []string // when there is no error
	}{
		{
			name: "a function of somebody else stops it",
			add: func(s *fakeaws.Server) {
				s.AddFunction("weather", nil)
				s.AddRole(roleName, ours)
			},
			want: "function weather exists and was not made by mcpengine",
		},
		{
			name: "a log group that Lambda has made again stays",
			add: func(s *fakeaws.Server) {
				s.AddLogGroup("/aws/lambda/weather", nil)
				s.AddRole(roleName, ours)
			},
			left: []string{"log group /aws/lambda/weather for 0 days"},
		},
		{
			name: "a role of somebody else stays",
			add: func(s *fakeaws.Server) {
				s.AddFunction("weather", ours)
				s.AddRole(roleName, nil)
			},
			left: []string{"role " + roleName},
		},
		{
			name: "a policy that a user has attached stops it before it begins",
			add: func(s *fakeaws.Server) {
				s.AddFunction("weather", ours)
				s.AddRole(roleName, ours, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
			},
			want: "AmazonS3ReadOnlyAccess, which mcpengine has not attached",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			test.add(fake.Server)
			before := fake.Resources()
			err := destroy(t.Context(), connect(fake.address, deploy.Config{}), "weather")
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || deploy.Hint(err) == "" {
					t.Errorf("error %v, hint %q; want %q", err, deploy.Hint(err), test.want)
				}
				checkResources(t, fake, before)
				return
			}
			if err != nil {
				t.Error(err)
			}
			checkResources(t, fake, test.left)
		})
	}
}
