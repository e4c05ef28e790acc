package deploy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/internal/mototest"
)

// Another imitation of AWS, made by others: moto's server. It knows the wire
// formats better than the fake and the ways to fail not at all.
//
//	pip install 'moto[server]==5.2.1'
func TestMoto(t *testing.T) {
	t.Parallel()
	address := mototest.Start(t)
	d := connect(address, deploy.Config{})
	spec := deploy.Spec{Name: "weather", Memory: 512, Env: map[string]string{"UNIT": "F"}, Concurrency: new(int32(2))}
	if err := apply(t.Context(), d, spec); err != nil {
		t.Fatal(err)
	}
	endpoint, err := d.Find(t.Context(), "weather", "/mcp")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(endpoint.URL, "https://") || !strings.HasSuffix(endpoint.URL, ".on.aws/mcp") {
		t.Errorf("URL = %s", endpoint.URL)
	}

	steps := []struct {
		name string
		spec deploy.Spec
		code []byte
		want []string // what the plan changes
	}{
		{"again", spec, binary, nil},
		{"another shape", deploy.Spec{Name: "weather", Memory: 1024, Env: map[string]string{"UNIT": ""}}, binary, []string{"update function weather"}},
		{"new code", deploy.Spec{Name: "weather"}, []byte("another"), []string{"update code of function weather"}},
		{"no limit", deploy.Spec{Name: "weather", Concurrency: new(int32(0))}, []byte("another"), []string{"remove concurrency"}},
		{"only for IAM", deploy.Spec{Name: "weather", IAM: new(true)}, []byte("another"), []string{
			"update url", "remove permission lambda:InvokeFunctionUrl", "remove permission lambda:InvokeFunction",
		}},
		{"and no more", deploy.Spec{Name: "weather"}, []byte("another"), nil},
	}
	for _, step := range steps {
		plan, err := d.Plan(t.Context(), step.spec, built(step.code))
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, changes(plan)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if err := d.Apply(t.Context(), plan); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}

	if err := destroy(t.Context(), d, "weather"); err != nil {
		t.Fatal(err)
	}
	plan, err := d.PlanDestroy(t.Context(), "weather", false)
	if err != nil || len(plan.Steps) > 0 {
		t.Errorf("after its destruction there is still something: %v, %v", plan, err)
	}
}

// changes are the steps that change something.
func changes(plan *deploy.Plan) []string {
	var all []string
	for _, s := range plan.Steps {
		if s.Verb != "keep" {
			all = append(all, s.Verb+" "+s.What)
		}
	}
	return all
}
