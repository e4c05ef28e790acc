package deploy_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/internal/mototest"
)

// Another imitation of AWS, made by others: moto's server. It knows the wire
// formats better than the fake and the ways to fail not at all.
//
//	pip install 'moto[server]==5.2.1'
func TestMoto(t *testing.T) {
	t.Parallel()
	address := mototest.Start(t)
	configureMoto(t, address, "/moto-api/config", `{"lambda":{"use_docker":false}}`)
	d := connect(address, deploy.Config{})
	motoAnswers(t, address, 1)
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
		{"another shape", deploy.Spec{Name: "weather", Memory: 1024, Env: map[string]string{"UNIT": ""}}, binary, []string{"update function weather", "publish version"}},
		{"new code", deploy.Spec{Name: "weather"}, []byte("another"), []string{"update code of function weather", "publish version"}},
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
		if slices.Contains(step.want, "publish version") {
			motoAnswers(t, address, 1)
		}
		if err := d.Apply(t.Context(), plan); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	checkMotoVersions(t, address, d)

	if err := destroy(t.Context(), d, "weather"); err != nil {
		t.Fatal(err)
	}
	plan, err := d.PlanDestroy(t.Context(), "weather", false)
	if err != nil || len(plan.Steps) > 0 {
		t.Errorf("after its destruction there is still something: %v, %v", plan, err)
	}
}

// checkMotoVersions rolls back, and deploys a version that does not answer: moto
// returns the event then, which is no answer.
func checkMotoVersions(t *testing.T, address string, d *deploy.Deployer) {
	t.Helper()
	check := func(version string) {
		t.Helper()
		all, err := d.List(t.Context())
		if err != nil || len(all) != 1 || all[0].Name != "weather" || all[0].Version != version || all[0].Updated.IsZero() {
			t.Errorf("List = %+v, %v; want version %s", all, err, version)
		}
	}
	check("3")
	motoAnswers(t, address, 1)
	if err := rollback(t.Context(), d, ""); err != nil {
		t.Error(err)
	}
	check("2")
	plan, err := d.Plan(t.Context(), deploy.Spec{Name: "weather"}, built([]byte("broken")))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), plan); !errors.Is(err, deploy.ErrNoAnswer) {
		t.Errorf("a version that does not answer: %v", err)
	}
	check("2")
	if err := rollback(t.Context(), d, "7"); err == nil || !strings.Contains(err.Error(), "has no version 7") {
		t.Errorf("rollback to nothing: %v", err)
	}
}

// motoAnswers lets the next invocations return what a server answers.
func motoAnswers(t *testing.T, address string, times int) {
	t.Helper()
	result := `{"statusCode":200,"headers":{},"body":"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"supportedVersions\":[\"2026-07-28\"]}}"}`
	body, err := json.Marshal(map[string]any{"region": fakeaws.Region, "results": slices.Repeat([]string{result}, times)})
	if err != nil {
		t.Fatal(err)
	}
	configureMoto(t, address, "/moto-api/static/lambda-simple/response", string(body))
}

func configureMoto(t *testing.T, address, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusCreated {
		t.Fatalf("POST %s: %s", path, resp.Status)
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
