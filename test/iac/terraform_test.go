package iac_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// terraform returns the path of terraform or of tofu.
func terraform(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"terraform", "tofu"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	t.Skip("out of reach: neither terraform nor tofu is installed")
	return ""
}

func TestTerraformFormat(t *testing.T) {
	t.Parallel()
	program := terraform(t)
	for _, folder := range []string{"deploy/terraform", weather, board, authboard, approval, modules} {
		cmd := exec.CommandContext(t.Context(), program, "fmt", "-check", "-diff", "-recursive", "-no-color")
		cmd.Dir = filepath.Join(repository, folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("terraform fmt in %s: %v\n%s", folder, err, out)
		}
	}
}

// The configurations are valid, and pass the tests in their tests folders,
// which send nothing to AWS. Terraform has to find the provider, in its
// registry or where the CLI configuration says.
func TestTerraform(t *testing.T) {
	t.Parallel()
	program := terraform(t)
	root := t.TempDir()
	for _, folder := range []string{"deploy/terraform", weather, board, authboard, approval, modules} {
		copied := texts(t, folder)
		for _, name := range slices.Sorted(maps.Keys(copied)) {
			write(t, filepath.Join(root, name), copied[name])
		}
	}
	write(t, filepath.Join(root, modules, "board.zip"), "nobody opens it")

	for _, folder := range append(shipped(), modules) {
		t.Run(folder, func(t *testing.T) {
			run := func(args ...string) (string, error) {
				cmd := exec.CommandContext(t.Context(), program, args...)
				cmd.Dir = filepath.Join(root, folder)
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := run("init", "-backend=false", "-input=false", "-no-color")
			if err != nil && strings.Contains(out, "Failed to query available provider packages") {
				t.Skip("out of reach: the registry of the AWS provider")
			}
			if err != nil {
				t.Fatalf("terraform init: %v\n%s", err, out)
			}
			if out, err := run("validate", "-no-color"); err != nil {
				t.Errorf("terraform validate: %v\n%s", err, out)
			}
			if out, err := run("test", "-no-color"); err != nil {
				t.Errorf("terraform test: %v\n%s", err, out)
			}
		})
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
