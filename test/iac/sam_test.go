package iac_test

import (
	"os/exec"
	"path"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const sam = "deploy/sam/template.yaml"

// A template is the part of a SAM template that is looked at. CloudFormation's
// short forms, such as !Ref, are tags, which decoding drops: !Ref Name reads
// "Name" here, and !If [A, b, c] is a list of three.
type template struct {
	Parameters map[string]struct {
		Default       any   `yaml:"Default"`
		AllowedValues []any `yaml:"AllowedValues"`
		NoEcho        bool  `yaml:"NoEcho"`
	} `yaml:"Parameters"`
	Conditions map[string]any `yaml:"Conditions"`
	Resources  map[string]struct {
		Type       string         `yaml:"Type"`
		Condition  string         `yaml:"Condition"`
		Properties map[string]any `yaml:"Properties"`
	} `yaml:"Resources"`
	Outputs map[string]struct {
		Value any `yaml:"Value"`
	} `yaml:"Outputs"`
}

func loadTemplate(t *testing.T) template {
	t.Helper()
	var parsed template
	if err := yaml.Unmarshal([]byte(read(t, sam)), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The function runs what the CLI packages, and its URL and environment follow
// one parameter.
func TestSAMFunction(t *testing.T) {
	t.Parallel()
	parsed := loadTemplate(t)
	got := parsed.Resources["Server"].Properties
	want := map[string]any{
		"Runtime":           "provided.al2023",
		"Handler":           "bootstrap",
		"CodeUri":           "package.zip",
		"Architectures":     []any{"Architecture"},
		"FunctionUrlConfig": map[string]any{"AuthType": "AuthType", "InvokeMode": "InvokeMode"},
		"Environment": map[string]any{"Variables": map[string]any{
			"MCPENGINE_KEYS":        []any{"Keyed", "Keys", "AWS::NoValue"},
			"MCPENGINE_LAMBDA_MODE": []any{"Streams", "stream", "buffered"},
			"MCPENGINE_TASKS_TABLE": []any{"WithTasks", "TasksTable", "AWS::NoValue"},
		}},
		"LoggingConfig": map[string]any{"LogGroup": "Logs"},
		"RecursiveLoop": []any{"WithTasks", "Allow", "Terminate"},
	}
	for name, value := range want {
		if diff := cmp.Diff(value, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]any{"InvokeMode", "RESPONSE_STREAM"}, parsed.Conditions["Streams"]); diff != "" {
		t.Errorf("condition Streams (-want +got):\n%s", diff)
	}
	checkModes(t, map[string]string{"RESPONSE_STREAM": "stream", "BUFFERED": "buffered"})
}

// The transform adds no permissions where AuthType is a parameter. The template
// has both, and only for a public URL.
func TestSAMPermissions(t *testing.T) {
	t.Parallel()
	parsed := loadTemplate(t)
	var got []map[string]any
	for _, name := range []string{"MayInvokeUrl", "MayInvokeFunction"} {
		r := parsed.Resources[name]
		if r.Type != "AWS::Lambda::Permission" || r.Condition != "Public" {
			t.Errorf("%s is a %s on condition %q, want an AWS::Lambda::Permission on Public", name, r.Type, r.Condition)
		}
		got = append(got, r.Properties)
	}
	want := []map[string]any{
		{"Action": "lambda:InvokeFunctionUrl", "FunctionName": "Server", "FunctionUrlAuthType": "NONE", "Principal": "*"},
		{"Action": "lambda:InvokeFunction", "FunctionName": "Server", "InvokedViaFunctionUrl": true, "Principal": "*"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"AuthType", "NONE"}, parsed.Conditions["Public"]); diff != "" {
		t.Errorf("condition Public (-want +got):\n%s", diff)
	}
}

// Tasks are an option, and everything of theirs depends on it. The function may
// use this table, invoke itself, and nothing else; the table outlives the stack.
func TestSAMTasks(t *testing.T) {
	t.Parallel()
	parsed := loadTemplate(t)
	for _, name := range []string{"TasksTable", "MayRunTasks", "TasksSchedule", "MayWakeTasks"} {
		if got := parsed.Resources[name].Condition; got != "WithTasks" {
			t.Errorf("%s is on condition %q", name, got)
		}
	}
	want := []any{
		map[string]any{
			"Effect":   "Allow",
			"Action":   []any{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"},
			"Resource": "TasksTable.Arn",
		},
		map[string]any{"Effect": "Allow", "Action": []any{"dynamodb:Query"}, "Resource": "${TasksTable.Arn}/index/*"},
		map[string]any{"Effect": "Allow", "Action": []any{"lambda:InvokeFunction"}, "Resource": "Server.Arn"},
	}
	policy, _ := parsed.Resources["MayRunTasks"].Properties["PolicyDocument"].(map[string]any)
	if diff := cmp.Diff(want, policy["Statement"]); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
	targets := []any{map[string]any{"Id": "tasks", "Arn": "Server.Arn", "Input": `{"mcpengine/tasks":{"wake":true}}`}}
	if diff := cmp.Diff(targets, parsed.Resources["TasksSchedule"].Properties["Targets"]); diff != "" {
		t.Errorf("the schedule (-want +got):\n%s", diff)
	}
}

// The table of the template is the table of the module.
func TestTasksTable(t *testing.T) {
	t.Parallel()
	m := load(t, function)
	table := m.only(t, "resource", "aws_dynamodb_table")
	properties := loadTemplate(t).Resources["TasksTable"].Properties
	keys := func(schema any) [2]string {
		elements, _ := schema.([]any)
		var got [2]string
		for i, e := range elements {
			got[i] = strconv.Quote(e.(map[string]any)["AttributeName"].(string))
		}
		return got
	}
	if got, want := keys(properties["KeySchema"]), [2]string{m.text(table, "hash_key"), m.text(table, "range_key")}; got != want {
		t.Errorf("the template has the keys %s, the module %s", got, want)
	}
	indexes := map[string][2]string{}
	for _, b := range table.Body.Blocks {
		if b.Type == "global_secondary_index" {
			indexes[m.text(b, "name")] = [2]string{m.text(b, "hash_key"), m.text(b, "range_key")}
		}
	}
	got := map[string][2]string{}
	for _, index := range properties["GlobalSecondaryIndexes"].([]any) {
		i := index.(map[string]any)
		got[strconv.Quote(i["IndexName"].(string))] = keys(i["KeySchema"])
	}
	if diff := cmp.Diff(indexes, got); diff != "" {
		t.Errorf("indexes (-module +template):\n%s", diff)
	}
}

// The parameter that says who may call has no default. The one parameter with a
// secret is not echoed. The template agrees with the Terraform module.
func TestSAMParameters(t *testing.T) {
	t.Parallel()
	parsed := loadTemplate(t)
	got := map[string]any{}
	for name, p := range parsed.Parameters {
		got[name] = p.Default
		if p.NoEcho != (name == "Keys") {
			t.Errorf("parameter %s: NoEcho is %t", name, p.NoEcho)
		}
	}
	want := map[string]any{
		"Name":                "mcp-server",
		"AuthType":            nil,
		"InvokeMode":          "BUFFERED",
		"Architecture":        "arm64",
		"MemorySize":          256,
		"Timeout":             30,
		"ReservedConcurrency": -1,
		"Keys":                "",
		"Tasks":               "false",
		"LogRetentionDays":    14,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	for name, values := range map[string][]any{
		"AuthType":     {"NONE", "AWS_IAM"},
		"InvokeMode":   {"BUFFERED", "RESPONSE_STREAM"},
		"Architecture": {"arm64", "x86_64"},
	} {
		if diff := cmp.Diff(values, parsed.Parameters[name].AllowedValues); diff != "" {
			t.Errorf("values of %s (-want +got):\n%s", name, diff)
		}
	}
	for _, name := range []string{"FunctionUrl", "LambdaName", "RoleName"} {
		if parsed.Outputs[name].Value == nil {
			t.Errorf("there is no output %s", name)
		}
	}
}

// cfn-lint accepts the template.
func TestSAMLint(t *testing.T) {
	t.Parallel()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed")
	}
	out, err := exec.CommandContext(t.Context(), lint, path.Join(repository, sam)).CombinedOutput()
	if err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
