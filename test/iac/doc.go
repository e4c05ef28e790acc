// Package iac holds the files that deploy a server to their promises: the
// Terraform modules, the SAM template and the Dockerfile below deploy, and the
// Terraform configurations of the examples. It has tests and nothing else, so
// that the parsers they need reach no program.
//
// What the files say is read from their syntax. What they mean is left to
// terraform (or tofu), whose own tests run against mock providers, and to
// cfn-lint; tests that need a program which is not there are skipped.
package iac
