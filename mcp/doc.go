// Package mcp holds the wire types of the Model Context Protocol, protocol
// version 2026-07-28, under the names its schema gives them.
//
// The types carry data and nothing else: they know how they look as JSON, and
// leave every rule about when to send them to their users. They encode and
// decode alike with encoding/json and with github.com/go-json-experiment/json,
// except that the latter is stricter about what it accepts. Four conventions
// hold throughout:
//
//   - An optional member is left out when its Go value is the zero value. Where
//     the protocol tells an absent member from an empty one, the field is a
//     pointer, a map or a slice, and nil means absent.
//   - A list that the schema requires is a [List] or one of the content list
//     types, which encode nil as [] and never as null.
//   - A value whose shape only the application knows (arguments, structured
//     content, a JSON Schema) is an [encoding/json.RawMessage] and passes through
//     untouched. One that the schema requires must be set before encoding.
//   - Members the schema does not name are dropped on decoding, as the protocol
//     lets later versions add some. Nothing checks that a required member is
//     there, except where the Go value would have no meaning without it.
//
// The JSON-RPC envelope that carries these types is not part of this package.
package mcp
