// Package events offers changes as events: the extension
// io.modelcontextprotocol/events (SEP-3415), with polling and streams.
//
// The extension is a draft, and this package is experimental: both may change with
// any version. Error codes in particular are provisional, see [CodeNotFound].
// Webhooks are not served.
//
//	feed := events.NewFeed(events.New("board.posted", "A message was posted.", poll))
//	e := mcpengine.New("board", mcpengine.WithExtension(feed.Extension()))
//
// An event type is a function that returns what has happened since a cursor. It
// keeps no state for a client: the cursor is the client's, so that a function on AWS
// Lambda offers events as well as a process that stays. A stream calls the same
// function, whenever [Feed.Changed] says that there is something and otherwise as
// often as the function asks for.
package events
