package iac_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A providerBlock is what the AWS provider takes in a block, and what it tells of a
// resource or a data source afterwards.
type providerBlock struct {
	arguments map[string]providerArgument
	outputs   map[string]bool // arguments too
}

type providerArgument struct {
	kind     string         // "string", "number", "bool", "tuple" or "object"; "" for any
	block    *providerBlock // nil unless it is a block
	required bool           // known for the outermost block alone
}

// Parts of the bindings that were generated from the provider's schema.
var (
	generatedArgument = regexp.MustCompile(`(?m)^ +([a-z0-9_]+): \{\n +value: (.*),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "([\w.]+)",\n`)
	generatedBlock    = regexp.MustCompile(`(?m)^function (\w+ToHclTerraform)\(struct\) \{\n`)
	generatedNested   = regexp.MustCompile(`\b((?:aws|dataAws)\w+ToHclTerraform)\b`)
	generatedField    = regexp.MustCompile(`\(this\._(\w+)`)
	generatedOutput   = regexp.MustCompile(`(?:Attribute\('|\(this, ")([a-z0-9_]+)['"]`)
)

// readProvider reads the schema of a type, such as "resource", "aws_iam_role". It
// returns nil if the provider does not have the type.
func readProvider(dir, kind, name string) (*providerBlock, error) {
	file := strings.ReplaceAll(name, "_", "-") + ".js"
	if kind == "data" {
		file = "data-" + file
	}
	data, err := os.ReadFile(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is no such type
	}
	if err != nil {
		return nil, err
	}
	class, rest, found := strings.Cut(string(data), "// STATIC PROPERTIES")
	if !found {
		return nil, fmt.Errorf("%s does not have the form of the bindings", file)
	}
	nested := map[string]string{}
	heads := generatedBlock.FindAllStringSubmatchIndex(rest, -1)
	for i, head := range heads {
		end := len(rest)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		text, _, _ := strings.Cut(rest[head[1]:end], "\n}\n")
		nested[rest[head[2]:head[3]]] = text
	}
	_, body, _ := strings.Cut(class, "synthesizeHclAttributes() {")
	block := parseProvider(body, nested)
	for name, argument := range block.arguments {
		field := generatedField.FindStringSubmatch(body[strings.Index(body, " "+name+": {"):])
		if argument.block == nil && field != nil {
			argument.required = !strings.Contains(class, " reset"+strings.ToUpper(field[1][:1])+field[1][1:]+"()")
			block.arguments[name] = argument
		}
	}
	for _, output := range generatedOutput.FindAllStringSubmatch(class, -1) {
		block.outputs[output[1]] = true
	}
	return block, nil
}

func parseProvider(text string, nested map[string]string) *providerBlock {
	block := &providerBlock{arguments: map[string]providerArgument{}, outputs: map[string]bool{}}
	kinds := map[string]string{"string": "string", "number": "number", "boolean": "bool", "list": "tuple", "set": "tuple", "map": "object"}
	for _, found := range generatedArgument.FindAllStringSubmatch(text, -1) {
		name, value, isBlock, kind, class := found[1], found[2], found[3] == "true", found[4], found[5]
		argument := providerArgument{kind: kinds[kind]}
		if kind == "simple" {
			argument.kind = kinds[class]
		}
		if function := generatedNested.FindString(value); isBlock && function != "" {
			argument.block = parseProvider(nested[function], nested)
		}
		block.arguments[name] = argument
		block.outputs[name] = true
	}
	return block
}

// Arguments that every resource has, by Terraform itself.
var ofTerraform = []string{"count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection"}

// A providerCheck compares a module with the schema of the provider.
type providerCheck struct {
	dir    string // with the bindings
	module module
	faults []string
}

func (c *providerCheck) fault(at hcl.Range, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf("%s:%d: ", at.Filename, at.Start.Line)+fmt.Sprintf(format, args...))
}

// checkProvider returns what the provider would refuse.
func checkProvider(t *testing.T, dir string, m module) []string {
	t.Helper()
	c := &providerCheck{dir: dir, module: m}
	for _, b := range m.blocks {
		if (b.Type == "resource" || b.Type == "data") && strings.HasPrefix(b.Labels[0], "aws_") {
			schema := c.schema(t, b.Type, b.Labels[0], b.DefRange())
			if schema != nil {
				c.block(title(b), b.Body, schema, true)
			}
		}
		c.references(t, b)
	}
	slices.Sort(c.faults)
	return slices.Compact(c.faults)
}

func (c *providerCheck) schema(t *testing.T, kind, name string, at hcl.Range) *providerBlock {
	t.Helper()
	schema, err := readProvider(c.dir, kind, name)
	if err != nil {
		t.Fatal(err)
	}
	if schema == nil {
		c.fault(at, "the provider has no %s %s", kind, name)
	}
	return schema
}

func (c *providerCheck) block(title string, body *hclsyntax.Body, schema *providerBlock, outermost bool) {
	given := map[string]bool{}
	for name, attribute := range body.Attributes {
		given[name] = true
		argument, ok := schema.arguments[name]
		switch {
		case outermost && slices.Contains(ofTerraform, name):
		case !ok:
			c.fault(attribute.Range(), "%s has no argument %s", title, name)
		case argument.block != nil:
			c.fault(attribute.Range(), "%s of %s is a block", name, title)
		default:
			if kind := c.kind(attribute.Expr); kind != "" && argument.kind != "" && kind != argument.kind {
				c.fault(attribute.Range(), "%s of %s is a %s and not a %s", name, title, argument.kind, kind)
			}
		}
	}
	for _, b := range body.Blocks {
		name, content := b.Type, b.Body
		if name == "dynamic" {
			name, content = b.Labels[0], b.Body.Blocks[len(b.Body.Blocks)-1].Body
		}
		given[name] = true
		argument, ok := schema.arguments[name]
		switch {
		case outermost && slices.Contains(ofTerraform, name):
		case !ok:
			c.fault(b.DefRange(), "%s has no block %s", title, name)
		case argument.block == nil:
			c.fault(b.DefRange(), "%s of %s is an argument and no block", name, title)
		default:
			c.block(name+" of "+title, content, argument.block, false)
		}
	}
	for name, argument := range schema.arguments {
		if argument.required && outermost && !given[name] {
			c.fault(body.SrcRange, "%s lacks %s", title, name)
		}
	}
}

// kind returns the kind of an expression's value, where the expression alone or the
// type of a variable tells.
func (c *providerCheck) kind(e hclsyntax.Expression) string {
	if value, diagnostics := e.Value(nil); !diagnostics.HasErrors() && !value.IsNull() {
		return value.Type().FriendlyName()
	}
	traversal, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok || traversal.Traversal.RootName() != "var" || len(traversal.Traversal) != 2 {
		return ""
	}
	for _, b := range c.module.of("variable", traversal.Traversal[1].(hcl.TraverseAttr).Name) {
		kind, _, _ := strings.Cut(c.module.text(b, "type"), "(")
		return map[string]string{"string": "string", "number": "number", "bool": "bool", "list": "tuple", "set": "tuple", "map": "object", "object": "object"}[kind]
	}
	return ""
}

// references checks what is read of resources and data sources: aws_x.name.output,
// also of an element [0] or of all of them [*].
func (c *providerCheck) references(t *testing.T, b *hclsyntax.Block) {
	t.Helper()
	read := func(traversal hcl.Traversal, rest hcl.Traversal) {
		steps := slices.DeleteFunc(slices.Concat(traversal, rest), func(step hcl.Traverser) bool {
			_, index := step.(hcl.TraverseIndex)
			return index
		})
		kind, at := "resource", 0
		if traversal.RootName() == "data" {
			kind, at = "data", 1
		}
		var names []string
		for _, step := range steps {
			switch step := step.(type) {
			case hcl.TraverseRoot:
				names = append(names, step.Name)
			case hcl.TraverseAttr:
				names = append(names, step.Name)
			}
		}
		if len(names) < at+3 || !strings.HasPrefix(names[at], "aws_") {
			return
		}
		schema := c.schema(t, kind, names[at], traversal.SourceRange())
		if schema != nil && !schema.outputs[names[at+2]] {
			c.fault(traversal.SourceRange(), "%s has no output %s", strings.Join(names[:at+2], "."), names[at+2])
		}
	}
	diagnostics := hclsyntax.VisitAll(b.Body, func(node hclsyntax.Node) hcl.Diagnostics {
		switch node := node.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			read(node.Traversal, nil)
		case *hclsyntax.SplatExpr:
			source, ok := node.Source.(*hclsyntax.ScopeTraversalExpr)
			each, isRelative := node.Each.(*hclsyntax.RelativeTraversalExpr)
			if ok && isRelative {
				read(source.Traversal, each.Traversal)
			}
		}
		return nil
	})
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
}

// provider returns the folder with the schema of the provider.
func provider(t *testing.T) string {
	t.Helper()
	dir := path.Join(repository, ".tools/aws-provider")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the schema of the AWS provider is not installed: scripts/install-aws-provider")
	}
	return dir
}

// Every resource, argument, block and output of the configurations exists in the
// provider, and what is required is there.
func TestProviderSchema(t *testing.T) {
	t.Parallel()
	dir := provider(t)
	for _, folder := range append(shipped(), modules) {
		for _, fault := range checkProvider(t, dir, load(t, folder)) {
			t.Errorf("%s: %s", folder, fault)
		}
	}
}

// The check finds what the provider would refuse.
func TestProviderFaults(t *testing.T) {
	t.Parallel()
	dir := provider(t)
	for _, test := range []struct{ source, want string }{
		{`resource "aws_lambda_functoin" "x" {}`, "the provider has no resource aws_lambda_functoin"},
		{`resource "aws_lambda_function_url" "x" { function_name = "f" }`, "aws_lambda_function_url.x lacks authorization_type"},
		{`resource "aws_lambda_function_url" "x" {
			function_name = "f"
			authorization_type = "NONE"
			invokemode = "BUFFERED"
		}`, "has no argument invokemode"},
		{`resource "aws_cloudwatch_log_group" "x" { retention_in_days = "two" }`, "retention_in_days of resource aws_cloudwatch_log_group.x is a number and not a string"},
		{`resource "aws_cloudwatch_log_group" "x" { tags = ["a"] }`, "tags of resource aws_cloudwatch_log_group.x is a object and not a tuple"},
		{`variable "days" { type = string }
		resource "aws_cloudwatch_log_group" "x" { retention_in_days = var.days }`, "is a number and not a string"},
		{`resource "aws_iam_role" "x" {
			assume_role_policy = "{}"
			environment {}
		}`, "has no block environment"},
		{`resource "aws_lambda_function" "x" {
			function_name = "f"
			role = "r"
			environment = {}
		}`, "environment of resource aws_lambda_function.x is a block"},
		{`resource "aws_lambda_function" "x" {
			function_name = "f"
			role = "r"
			dynamic "vpc_config" {
				for_each = []
				content { subnets = [] }
			}
		}`, "vpc_config of resource aws_lambda_function.x has no argument subnets"},
		{`resource "aws_cloudwatch_log_group" "x" {
			name {}
		}`, "name of resource aws_cloudwatch_log_group.x is an argument and no block"},
		{`output "x" { value = aws_iam_role.x.arm }`, "aws_iam_role.x has no output arm"},
		{`output "x" { value = one(aws_iam_role.x[*].arm) }`, "aws_iam_role.x has no output arm"},
		{`output "x" { value = "${aws_iam_role.x[0].arm}:*" }`, "aws_iam_role.x has no output arm"},
		{`output "x" { value = data.aws_region.x.zone }`, "data.aws_region.x has no output zone"},
	} {
		m := parse(t, fstest.MapFS{"main.tf": {Data: []byte(test.source)}})
		faults := checkProvider(t, dir, m)
		if len(faults) != 1 || !strings.Contains(faults[0], test.want) {
			t.Errorf("%s\nfaults %q, want %q", test.source, faults, test.want)
		}
	}
	right := `resource "aws_cloudwatch_log_group" "x" {
		count = 1
		retention_in_days = 14
		tags = { a = "b" }
	}
	output "x" { value = aws_cloudwatch_log_group.x[0].arn }`
	if faults := checkProvider(t, dir, parse(t, fstest.MapFS{"main.tf": {Data: []byte(right)}})); len(faults) > 0 {
		t.Errorf("faults of what is right: %q", faults)
	}
}
