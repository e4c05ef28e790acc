// Package oidctest runs a real OpenID provider for tests: oidc-provider for
// Node.js, a certified implementation by others. It registers clients, signs
// people in, issues tokens and takes them back as a provider in production does,
// so that what this project believes of providers is checked against one.
//
// scripts/install-oidc installs it. Where it is not installed a test is
// skipped. Package authtest has a provider of our own, for tests of what no
// real one would say.
package oidctest
