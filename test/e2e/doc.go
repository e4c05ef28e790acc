// Package e2e tests the engine over real connections: with malformed requests,
// behind nginx while replicas or their bus are restarted, and under the load of
// many clients at once.
package e2e
