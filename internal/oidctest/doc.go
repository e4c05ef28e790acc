// Package oidctest runs a real OpenID provider for tests: oidc-provider for
// Node.js, a certified implementation of another project. It registers clients,
// signs people in, issues tokens and revokes them as a provider in production
// does, so that our assumptions about providers are tested.
//
// scripts/install-oidc installs it. A test is skipped where it is not
// installed. Package authtest has a provider of our own, for answers that no
// real provider gives.
package oidctest
