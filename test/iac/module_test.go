package iac_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The outputs that other files, the documentation and scripts go by.
func TestOutputs(t *testing.T) {
	t.Parallel()
	for folder, want := range map[string][]string{
		function:  {"function_url", "lambda_name", "lambda_arn", "repository_url", "role_name", "role_arn", "tasks_table_name", "log_group_name"},
		database:  {"host", "port", "database_name", "secret_arn", "security_group_id", "subnet_ids", "vpc_id", "vpc", "environment", "secrets"},
		weather:   {"function_url", "mcp_url", "lambda_name", "repository_url", "role_name"},
		board:     {"function_url", "mcp_url", "lambda_name", "role_name"},
		authboard: {"function_url", "mcp_url", "lambda_name", "role_name"},
		approval:  {"function_url", "mcp_url", "lambda_name", "role_name", "tasks_table_name"},
	} {
		if diff := cmp.Diff(want, load(t, folder).named("output")); diff != "" {
			t.Errorf("outputs of %s (-want +got):\n%s", folder, diff)
		}
	}
}

// The README of a module names every variable and output.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, folder := range shipped() {
		m := load(t, folder)
		readme := read(t, path.Join(folder, "README.md"))
		for _, name := range slices.Concat(m.named("variable"), m.named("output")) {
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("%s/README.md does not speak of %s", folder, name)
			}
		}
	}
}

// The example in the README of the database module is one that is tested.
func TestReadmeExample(t *testing.T) {
	t.Parallel()
	example := read(t, path.Join(modules, "main.tf"))
	_, example, _ = strings.Cut(example, "module ")
	example = "module " + strings.ReplaceAll(example, "../../../../deploy/terraform/", "./deploy/terraform/")
	if readme := read(t, path.Join(database, "README.md")); !strings.Contains(readme, "```hcl\n"+example+"```\n") {
		t.Errorf("%s/README.md does not hold the modules of %s/main.tf:\n%s", database, modules, example)
	}
}

// A provider below this version grants only one of the two permissions that a
// public function URL needs, and cross-variable validations need Terraform 1.9.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, folder := range shipped() {
		m := load(t, folder)
		terraform := m.only(t, "terraform")
		if got, want := m.text(terraform, "required_version"), `">= 1.9"`; got != want {
			t.Errorf("%s: required_version = %s, want %s", folder, got, want)
		}
		providers := m.text(child(t, terraform, "required_providers"), "aws")
		if want := `">= 6.28, < 7.0"`; !strings.Contains(providers, want) {
			t.Errorf("%s: the provider is %s, want version %s", folder, providers, want)
		}
	}
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(path.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}
