// Package jsonrpc is the message codec of the protocol: JSON-RPC 2.0 as
// restricted by the Model Context Protocol.
//
// A message is read once. [Request.Parse] walks the bytes a single time,
// refuses everything that two readers could understand differently (duplicate
// names, names that differ only by case, invalid UTF-8, unpaired surrogates,
// trailing data) and leaves behind slices of the original bytes: nothing is
// copied and nothing nested is decoded. What a handler needs it decodes later,
// typed, from those slices.
//
// The package also defines the one interface between a transport and the
// engine, [Handler].
//
// handler.go, request.go and response.go hold what passes between a transport and
// the engine. parse.go reads requests, recover.go the id of one that is not strict
// JSON, message.go, reply.go and batch.go other messages. scan.go is the strict
// pass over the text, object.go gives the members of an object, and edit.go
// changes them.
package jsonrpc
