// Package e2e tests the engine over real connections: with malformed requests,
// and under the load of many clients at once.
package e2e
