// Package attack tests that authentication and authorization withstand attacks,
// through the whole engine and over every transport. A letter and a number in a
// test's name identify the attack: A is the form of tokens, B their claims, C
// policy, D HTTP, E keys and availability, F the server's metadata, G sign-ins
// through a broker, I its clients' metadata documents and assertions, J the
// tokens for APIs behind the server, and K the page of the inspector. Tests that
// need only the verification of a token are in package auth/idp.
package attack
