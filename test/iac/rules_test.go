package iac_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A rule reports what a module does against it.
type rule func(module) []string

// openIngress: connections are let in from a security group and not from
// addresses.
func openIngress(m module) []string {
	var broken []string
	for _, b := range m.of("resource") {
		switch b.Labels[0] {
		case "aws_vpc_security_group_ingress_rule":
			if m.text(b, "referenced_security_group_id") == "" {
				broken = append(broken, title(b)+" lets in other than a security group")
			}
			for _, name := range []string{"cidr_ipv4", "cidr_ipv6", "prefix_list_id"} {
				if m.text(b, name) != "" {
					broken = append(broken, title(b)+" lets in addresses by "+name)
				}
			}
		case "aws_security_group", "aws_default_security_group":
			// Rules in two places undo each other, and this test reads no inline rules.
			for _, name := range []string{"ingress", "egress"} {
				if b.Body.Attributes[name] != nil || slices.ContainsFunc(b.Body.Blocks, func(c *hclsyntax.Block) bool { return c.Type == name }) {
					broken = append(broken, title(b)+" has rules in it: use a resource for each")
				}
			}
		case "aws_security_group_rule", "aws_network_acl", "aws_network_acl_rule":
			broken = append(broken, title(b)+" is not one of the resources that rules are written with")
		}
	}
	return broken
}

// plainSecrets: no password is given, generated or shown by Terraform, whose
// state would hold it.
func plainSecrets(m module) []string {
	secret := regexp.MustCompile(`(?i)(passw|token|credential|(api|private)_?key|secret_(string|binary|value)|auth_token)`)
	harmless := []string{"manage_master_user_password"}
	var broken []string
	for _, b := range m.blocks {
		switch {
		case (b.Type == "variable" || b.Type == "output") && secret.MatchString(b.Labels[0]):
			broken = append(broken, title(b)+" is a secret")
		case b.Type == "resource" || b.Type == "data":
			if slices.Contains([]string{"random_password", "aws_secretsmanager_secret_version", "aws_ssm_parameter"}, b.Labels[0]) {
				broken = append(broken, title(b)+" puts a secret into the state")
			}
			inside(b, func(c *hclsyntax.Block) {
				for name := range c.Body.Attributes {
					if secret.MatchString(name) && !slices.Contains(harmless, name) {
						broken = append(broken, title(b)+" is given the secret "+name)
					}
				}
			})
		}
	}
	return broken
}

// exposedDatabases: a database is private, encrypted, and has its password made
// up by RDS, whatever the variables say.
func exposedDatabases(m module) []string {
	var broken []string
	for _, b := range m.of("resource", "aws_db_instance") {
		for _, want := range [][2]string{
			{"publicly_accessible", "false"},
			{"storage_encrypted", "true"},
			{"manage_master_user_password", "true"},
		} {
			if got := m.text(b, want[0]); got != want[1] {
				broken = append(broken, fmt.Sprintf("%s has %s = %s, want %s", title(b), want[0], got, want[1]))
			}
		}
	}
	return broken
}

// publicAddresses: nothing but the NAT gateway gets an address on the internet.
func publicAddresses(m module) []string {
	var broken []string
	for _, b := range m.of("resource") {
		for _, name := range []string{"map_public_ip_on_launch", "associate_public_ip_address"} {
			if text := m.text(b, name); text != "" && text != "false" {
				broken = append(broken, title(b)+" has "+name)
			}
		}
	}
	return broken
}

// repeatedPermissions: the provider itself grants the permissions of a public
// URL. A permission declared here would collide with their statement ids. The
// permission of a service names who uses it.
func repeatedPermissions(m module) []string {
	var broken []string
	for _, b := range m.of("resource", "aws_lambda_permission") {
		service := strings.HasSuffix(m.text(b, "principal"), `.amazonaws.com"`)
		if !service || m.text(b, "source_arn") == "" {
			broken = append(broken, title(b)+": the provider grants it")
		}
	}
	return broken
}

// doubledCORS: the server answers preflight requests, and not the URL as well.
func doubledCORS(m module) []string {
	var broken []string
	for _, b := range m.of("resource", "aws_lambda_function_url") {
		for _, c := range b.Body.Blocks {
			if c.Type == "cors" {
				broken = append(broken, title(b)+" answers preflight requests")
			}
		}
	}
	return broken
}

// wildcards: a policy names its resources.
func wildcards(m module) []string {
	star := regexp.MustCompile(`(?:Action|Resource)\s*=\s*(?:\[[^\]]*)?"(?:\*|[a-z0-9]+:\*)"`)
	var broken []string
	for _, b := range m.of("resource") {
		if found := star.FindString(m.text(b, "policy")); found != "" {
			broken = append(broken, title(b)+" allows "+found)
		}
	}
	return broken
}

// describedVariables: every variable and output of a module has a description.
func describedVariables(m module) []string {
	var broken []string
	for _, b := range slices.Concat(m.of("variable"), m.of("output")) {
		if description := m.text(b, "description"); !strings.HasSuffix(description, `."`) {
			broken = append(broken, title(b)+" has no description in sentences")
		}
		if b.Type == "variable" && m.text(b, "type") == "" {
			broken = append(broken, title(b)+" has no type")
		}
	}
	return broken
}

// rules returns the rules that every configuration follows.
func rules() map[string]rule {
	return map[string]rule{
		"open ingress":         openIngress,
		"plain secrets":        plainSecrets,
		"exposed databases":    exposedDatabases,
		"public addresses":     publicAddresses,
		"repeated permissions": repeatedPermissions,
		"doubled CORS":         doubledCORS,
		"wildcards":            wildcards,
		"described variables":  describedVariables,
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, folder := range append(shipped(), modules) {
		m := load(t, folder)
		for name, rule := range rules() {
			for _, broken := range rule(m) {
				t.Errorf("%s: %s: %s", folder, name, broken)
			}
		}
	}
}

// Each rule reports the violation that it is for.
func TestRulesReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule   string
		config string
		want   []string
	}{
		{
			"open ingress",
			`resource "aws_vpc_security_group_ingress_rule" "db" { cidr_ipv4 = "0.0.0.0/0" }`,
			[]string{
				"resource aws_vpc_security_group_ingress_rule.db lets in other than a security group",
				"resource aws_vpc_security_group_ingress_rule.db lets in addresses by cidr_ipv4",
			},
		},
		{
			"open ingress",
			"resource \"aws_security_group\" \"db\" {\n ingress {\n cidr_blocks = [\"0.0.0.0/0\"]\n }\n}",
			[]string{"resource aws_security_group.db has rules in it: use a resource for each"},
		},
		{
			"open ingress",
			`resource "aws_security_group_rule" "db" { type = "ingress" }`,
			[]string{"resource aws_security_group_rule.db is not one of the resources that rules are written with"},
		},
		{
			"plain secrets",
			`variable "db_password" { type = string }`,
			[]string{"variable db_password is a secret"},
		},
		{
			"plain secrets",
			`resource "aws_db_instance" "db" { password = "hunter2" }`,
			[]string{"resource aws_db_instance.db is given the secret password"},
		},
		{
			"plain secrets",
			`resource "random_password" "db" { length = 20 }`,
			[]string{"resource random_password.db puts a secret into the state"},
		},
		{
			"exposed databases",
			"resource \"aws_db_instance\" \"db\" {\n publicly_accessible = true\n storage_encrypted = var.encrypted\n manage_master_user_password = true\n}",
			[]string{
				"resource aws_db_instance.db has publicly_accessible = true, want false",
				"resource aws_db_instance.db has storage_encrypted = var.encrypted, want true",
			},
		},
		{
			"public addresses",
			`resource "aws_subnet" "a" { map_public_ip_on_launch = true }`,
			[]string{"resource aws_subnet.a has map_public_ip_on_launch"},
		},
		{
			"repeated permissions",
			`resource "aws_lambda_permission" "url" { action = "lambda:InvokeFunctionUrl" }`,
			[]string{"resource aws_lambda_permission.url: the provider grants it"},
		},
		{
			"repeated permissions",
			"resource \"aws_lambda_permission\" \"rule\" {\n principal = \"events.amazonaws.com\"\n source_arn = aws_cloudwatch_event_rule.a.arn\n}",
			nil,
		},
		{
			"doubled CORS",
			"resource \"aws_lambda_function_url\" \"url\" {\n cors {\n allow_origins = [\"*\"]\n }\n}",
			[]string{"resource aws_lambda_function_url.url answers preflight requests"},
		},
		{
			"wildcards",
			`resource "aws_iam_role_policy" "all" { policy = jsonencode({ Action = ["s3:*"], Resource = ["arn"] }) }`,
			[]string{`resource aws_iam_role_policy.all allows Action = ["s3:*"`},
		},
		{
			"described variables",
			`variable "name" { description = "Name" }`,
			[]string{"variable name has no description in sentences", "variable name has no type"},
		},
	}
	for _, tt := range tests {
		m := parse(t, fstest.MapFS{"main.tf": {Data: []byte(tt.config)}})
		if diff := cmp.Diff(tt.want, rules()[tt.rule](m)); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", tt.rule, tt.config, diff)
		}
	}
}
