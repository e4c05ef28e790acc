package iac_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// The URL and the server behind it get the same mode.
func TestFunctionMode(t *testing.T) {
	t.Parallel()
	m := load(t, function)
	server := m.only(t, "resource", "aws_lambda_function")
	url := m.only(t, "resource", "aws_lambda_function_url")
	if got, want := m.text(url, "invoke_mode"), "var.invoke_mode"; got != want {
		t.Errorf("invoke_mode = %s, want %s", got, want)
	}
	environment := child(t, server, "environment")
	const mode = "MCPENGINE_LAMBDA_MODE = local.lambda_mode[var.invoke_mode]"
	if got := m.text(environment, "variables"); !strings.Contains(got, mode) {
		t.Errorf("the environment is %s, want in it %s", got, mode)
	}
	checkModes(t, m.local(t, "lambda_mode"))
}

// checkModes checks a table from invoke mode to the value of
// MCPENGINE_LAMBDA_MODE: the server has to understand each value.
func checkModes(t *testing.T, modes map[string]string) {
	t.Helper()
	got := map[string]bool{}
	for invoke, value := range modes {
		stream, err := lambda.ParseMode(func(name string) string {
			return map[string]string{"MCPENGINE_LAMBDA_MODE": value}[name]
		})
		if err != nil {
			t.Errorf("%s: %v", invoke, err)
		}
		got[invoke] = stream
	}
	want := map[string]bool{"BUFFERED": false, "RESPONSE_STREAM": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("which modes stream (-want +got):\n%s", diff)
	}
}

// A function runs a package as the CLI makes it: a bootstrap for arm64.
func TestFunctionRuntime(t *testing.T) {
	t.Parallel()
	m := load(t, function)
	server := m.only(t, "resource", "aws_lambda_function")
	for attribute, want := range map[string]string{
		"runtime":                        `"provided.al2023"`,
		"handler":                        `"bootstrap"`,
		"source_code_hash":               "filebase64sha256(var.package)",
		"architectures":                  "[var.architecture]",
		"reserved_concurrent_executions": "var.reserved_concurrency",
	} {
		if got := m.text(server, attribute); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want in it %s", attribute, got, want)
		}
	}
}

// A variable without an obvious value has no default. The other defaults are
// cautious.
func TestFunctionDefaults(t *testing.T) {
	t.Parallel()
	m := load(t, function)
	got := map[string]string{}
	for _, b := range m.of("variable") {
		got[b.Labels[0]] = m.text(b, "default")
	}
	want := map[string]string{
		"name":                    "",
		"authorization_type":      "",
		"package":                 "null",
		"image_uri":               "null",
		"create_repository":       "false",
		"image_tag":               "null",
		"repository_force_delete": "false",
		"architecture":            `"arm64"`,
		"invoke_mode":             `"BUFFERED"`,
		"memory_size":             "256",
		"timeout":                 "30",
		"reserved_concurrency":    "-1",
		"keys":                    "null",
		"log_retention_days":      "14",
		"environment":             "{}",
		"secrets":                 "{}",
		"secrets_kms_key_arns":    "[]",
		"tasks":                   "null",
		"vpc":                     "null",
		"tags":                    "{}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// The examples pass only variables that the modules have.
func TestExampleArguments(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{weather, board, authboard, approval} {
		m := load(t, folder)
		for _, call := range m.of("module") {
			source := path.Join(folder, strings.Trim(m.text(call, "source"), `"`))
			known := append(load(t, source).named("variable"), "source")
			for name := range call.Body.Attributes {
				if !slices.Contains(known, name) {
					t.Errorf("%s: %s is given %s, which %s does not know", folder, title(call), name, source)
				}
			}
		}
	}
}

// A new account may have a limit of 10 invocations at once, of which none can be
// reserved: with their defaults the configurations reserve none.
func TestNothingIsReserved(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{function, weather, board, authboard} {
		m := load(t, folder)
		if got := m.text(m.only(t, "variable", "reserved_concurrency"), "default"); got != "-1" {
			t.Errorf("%s reserves %s by default", folder, got)
		}
	}
	if source := read(t, path.Join(modules, "main.tf")); strings.Contains(source, "reserved_concurrency") {
		t.Error("the example of the database's README reserves concurrency")
	}
}
