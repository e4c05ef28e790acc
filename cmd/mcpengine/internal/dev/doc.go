// Package dev runs a server while it is being written: it builds and starts the
// program, and again whenever a file is saved, behind one address that stays.
//
// dev.go is the loop: watch.go says that something was saved, golang.go builds,
// child.go starts what was built and waits until it answers. front.go is the
// address: it has the server of the moment as its [Target] and passes requests
// to it. call.go passes a request that ends with an answer, stream.go one that
// stays open across servers, edit.go changes messages on their way. changes.go
// compares what two builds offer, placeholder.go stands in for a server that
// there is not. attach.go is the other end for hosts that start their servers
// themselves. folder.go keeps keys and the address, and issuer.go signs tokens for
// identities that exist only here.
package dev
