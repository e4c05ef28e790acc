// Package deploy puts an MCP server on AWS Lambda and takes it down again. It
// is the only package that speaks to AWS.
//
// A deployment is a role, a log group, a function with its versions, the alias of
// the version that callers reach, the alias's URL, the permission to call it, and
// optionally reserved concurrency and a table of tasks. [Deployer]
// first reads all of them, then compares them with a [Spec] and makes a [Plan],
// and only then changes what differs. So a plan can be shown without changing
// anything, running the same command twice changes nothing, and a run that was
// interrupted is finished by the next one.
//
// Everything that this package creates has two tags. A resource without them
// belongs to somebody else, and is never changed.
package deploy

import (
	"errors"
	"fmt"
	"strings"
)

const (
	tagName      = "mcpengine:name"
	tagManagedBy = "mcpengine:managed-by"
	managedBy    = "mcpengine"

	// tagProgram is the import path of the program that a function runs: its
	// module and folder.
	tagProgram = "mcpengine:program"
)

// tags returns the tags of everything that belongs to the deployment.
func tags(name string) map[string]string {
	return map[string]string{tagName: name, tagManagedBy: managedBy}
}

// checkOwner refuses a resource that does not belong to the deployment. The user may
// add other tags.
func checkOwner(what string, have map[string]string, name string) error {
	if have[tagManagedBy] == managedBy && have[tagName] == name {
		return nil
	}
	return withHint(
		fmt.Errorf("%s %w for %q: it is left alone", what, errNotOurs, name),
		"choose another name, or remove it yourself if nothing needs it")
}

// checkProgram refuses a function that another program was deployed as.
func checkProgram(have, want, name string, replace bool) error {
	if have == "" || want == "" || have == want || replace {
		return nil
	}
	return withHint(
		fmt.Errorf("function %s runs %s and not %s: it is left alone", name, clean(have), want),
		"choose another name with --name, or put this program in its place with --replace")
}

// programTag returns an import path as the value of a tag, in which AWS takes no ~.
func programTag(importPath string) string { return strings.ReplaceAll(importPath, "~", "=") }

// errNotOurs says why a resource is not changed.
var errNotOurs = errors.New("exists and was not made by mcpengine")

// A location is where a deployment lives.
type location struct {
	account   string // the 12 digits
	partition string // "aws" but for China and the government
	region    string
}

// The role's name holds the region, because roles are global and functions are
// not: the same server in two regions must not share a role.
func (l location) roleName(name string) string { return "mcpengine-" + name + "-" + l.region }

func (l location) roleARN(name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", l.partition, l.account, l.roleName(name))
}

func logGroupName(name string) string { return "/aws/lambda/" + name }
