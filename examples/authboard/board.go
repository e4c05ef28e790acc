package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/examples/internal/messages"
	"github.com/mcpengine/mcpengine/mcp"
)

// A board is the state of the server: its methods are the features.
type board struct{ store messages.Store }

type post struct {
	Text string `json:"text" jsonschema:"the message"`
}

func (b board) postMessage(ctx context.Context, in post) (string, error) {
	key, err := messages.KeyFrom(ctx)
	if err != nil {
		return "", err
	}
	id, err := b.store.Post(ctx, messages.Draft{Username: author(auth.UserFrom(ctx)), Text: in.Text, Key: key})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Message %d is posted.", id), nil
}

// author is the name that a caller posts under: an address that the provider has
// verified, or else its identity. The word in front says which, so that nobody
// whose identifier happens to be an address passes for the owner of the address.
// The display name is left out, because on most providers people write into it
// what they like, another's name too.
func author(u *auth.User) string {
	if u.Email != "" && u.EmailVerified {
		return "email:" + u.Email
	}
	return "user:" + u.ID()
}

type list struct {
	Messages []messages.Message `json:"messages"`
}

func (b board) getMessages(ctx context.Context, _ struct{}) (list, error) {
	recent, err := b.store.Recent(ctx)
	return list{recent}, err
}

type message struct {
	ID int64 `json:"id" jsonschema:"number of the message"`
}

func (b board) deleteMessage(ctx context.Context, in message) (string, error) {
	if err := b.store.Delete(ctx, in.ID); err != nil {
		return "", err
	}
	return fmt.Sprintf("Message %d is deleted.", in.ID), nil
}

func (b board) recent(ctx context.Context, _ struct{}) (string, error) {
	recent, err := b.store.Recent(ctx)
	if err != nil {
		// Unlike a tool's, a resource's error reaches its reader only as one of the
		// protocol.
		return "", mcp.Errorf(mcp.CodeInternalError, "%v", err)
	}
	text, err := json.Marshal(list{recent})
	return string(text), err
}
