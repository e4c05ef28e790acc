// Package brokertest plays the people and clients that sign in through package
// auth/broker, for tests: a browser with cookies, and a client that registers,
// asks for authorization and redeems what it gets. Every step is a method, so that
// an attack is a sign-in with one step done wrong.
package brokertest
