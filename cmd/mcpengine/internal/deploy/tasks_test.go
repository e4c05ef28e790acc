package deploy_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

const (
	tasksTable  = "table weather-tasks, PAY_PER_REQUEST, by task+part, owner by owner+task, wake by queue+at, expires by ttl"
	tasksPolicy = "role mcpengine-weather-eu-central-1 with its own mcpengine-tasks"
	tasksLoop   = "function weather with loops: Allow"
)

// wholeWithTasks is all that a deployment with tasks consists of.
func wholeWithTasks() []string {
	all := append(slices.Clone(whole), tasksTable, tasksPolicy, tasksLoop)
	slices.Sort(all)
	return all
}

// Durable tasks have a table, the right to use it and to invoke the function, and a
// function that finds its table. A deployment that does not speak of tasks keeps
// them; one that turns them off keeps the table.
func TestTasks(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	fake.Settling = 2
	d := connect(fake.address, deploy.Config{})
	spec := deploy.Spec{Name: "weather", Tasks: new(true)}
	if err := apply(t.Context(), d, spec); err != nil {
		t.Fatal(err)
	}
	checkResources(t, fake, wholeWithTasks())
	if got := fake.Environment("weather")["MCPENGINE_TASKS_TABLE"]; got != "weather-tasks" {
		t.Errorf("the server is told of the table %q", got)
	}
	fake.Forget()
	for _, again := range []deploy.Spec{spec, {Name: "weather"}} {
		if err := apply(t.Context(), d, again); err != nil {
			t.Fatal(err)
		}
	}
	if got := writes(fake); got != nil {
		t.Errorf("the second and third run changed something: %v", got)
	}

	if err := apply(t.Context(), d, deploy.Spec{Name: "weather", Tasks: new(false)}); err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(wholeWithTasks(), func(s string) bool { return s == tasksPolicy })
	left[0] = "alias weather:live of version 2"
	checkResources(t, fake, left)
	if _, ok := fake.Environment("weather")["MCPENGINE_TASKS_TABLE"]; ok {
		t.Error("the server is still told of the table")
	}
}

// The policy grants what the server needs, on this table and this function alone.
func TestTasksPolicy(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather", Tasks: new(true)})
	const want = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem","dynamodb:Query"],"Resource":"arn:aws:dynamodb:eu-central-1:123456789012:table/weather-tasks"},` +
		`{"Effect":"Allow","Action":["dynamodb:Query"],"Resource":"arn:aws:dynamodb:eu-central-1:123456789012:table/weather-tasks/index/*"},` +
		`{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["arn:aws:lambda:eu-central-1:123456789012:function:weather","arn:aws:lambda:eu-central-1:123456789012:function:weather:*"]}]}`
	if diff := cmp.Diff(want, fake.Policy("mcpengine-weather-eu-central-1", "mcpengine-tasks")); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

// A server without tasks needs no permission for tables.
func TestWithoutTasks(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	d := connect(fake.address, deploy.Config{})
	for range 2 {
		if err := apply(t.Context(), d, deploy.Spec{Name: "weather"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := destroy(t.Context(), d, "weather"); err != nil {
		t.Fatal(err)
	}
	for _, call := range fake.Calls() {
		if strings.HasPrefix(call, "dynamodb:") || strings.Contains(call, "Recursion") {
			t.Errorf("it called %s", call)
		}
	}
}

// The table holds what people have asked for: it is removed only when that is said,
// then or later.
func TestDestroyTasks(t *testing.T) {
	t.Parallel()
	for _, tasks := range []bool{false, true} {
		fake := deployed(t, deploy.Spec{Name: "weather", Tasks: new(true)})
		d := connect(fake.address, deploy.Config{})
		plan, err := d.PlanDestroy(t.Context(), "weather", tasks)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Apply(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if tasks {
			checkResources(t, fake, nil)
			continue
		}
		checkResources(t, fake, []string{tasksTable})
		if !strings.Contains(plan.String(), "it holds tasks: --tasks deletes it") {
			t.Errorf("the plan does not speak of the table:\n%s", plan)
		}
		if plan, err = d.PlanDestroy(t.Context(), "weather", true); err == nil {
			err = d.Apply(t.Context(), plan)
		}
		if err != nil {
			t.Error(err)
		}
		checkResources(t, fake, nil)
	}
}

// A table of somebody else is neither used nor removed.
func TestTableOfOthers(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	fake.AddTable("weather-tasks")
	d := connect(fake.address, deploy.Config{})
	err := apply(t.Context(), d, deploy.Spec{Name: "weather", Tasks: new(true)})
	if err == nil || !strings.Contains(err.Error(), "table weather-tasks exists and was not made by mcpengine") {
		t.Errorf("deploy: %v", err)
	}
	plan, err := d.PlanDestroy(t.Context(), "weather", true)
	if err != nil || plan.Changes() {
		t.Errorf("destroy: %v, %v", plan, err)
	}
	var b bytes.Buffer
	for _, call := range writes(fake) {
		b.WriteString(call)
	}
	if b.Len() > 0 {
		t.Errorf("it changed something: %s", &b)
	}
}
