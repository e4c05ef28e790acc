// Package attack holds the tests of what authentication and authorization have
// to survive, through the whole engine and over every transport. The tests carry
// the letters and numbers of the list that they go through: A is the form of
// tokens, B their claims, C policy, D HTTP, E keys and availability, F what the
// server says of itself. Those of tokens alone are in package auth.
package attack
