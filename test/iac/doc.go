// Package iac holds the files that deploy a server to their promises: the
// Terraform modules, the SAM template, the chart for Kubernetes and the Dockerfile
// below deploy, and the Terraform configurations of the examples. It has tests and
// nothing else, so that the parsers they need reach no program.
//
// The tests read the syntax of the files. Whether the files are valid is
// checked by terraform (or tofu), whose own tests run against mock providers, by
// cfn-lint, by Helm, and by decoding what Helm renders into the types of
// Kubernetes. A test is skipped if its program is not installed.
package iac
