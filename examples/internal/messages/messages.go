// Package messages stores the messages of a board, in PostgreSQL or in an SQLite
// file. The examples board and authboard share it.
//
// messages.go is what a message is, open.go chooses a store by the settings,
// postgres.go and sqlite.go are the two there are, and secret.go gets the
// password of the first.
package messages

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Message is one that was posted.
type Message struct {
	ID        int64     `json:"id"`
	Username  string    `json:"username"`
	Text      string    `json:"text"`
	Timestamp time.Time `json:"timestamp" jsonschema:"when it was posted"`
}

// A Draft is a message to post.
type Draft struct {
	Username string
	Text     string

	// Key makes the post idempotent: with the same key it happens once, however
	// often it is sent. Keys of different usernames are different keys. Without
	// one, Post makes a key for its own attempts. [KeyFrom] is the client's.
	Key string
}

// A Store keeps messages. Its methods may be called concurrently, and several
// processes may share what is behind it. Their errors are written for the model
// that called the tool: the log has the cause.
type Store interface {
	// Post adds a message and returns its number. A draft whose key its author
	// has used before adds nothing: Post returns the number of the message that
	// the key stands for, or an error when that message has another text. Post
	// fails with a message for the model when it refuses the draft, and says so
	// when the database broke off and the message may be there.
	Post(ctx context.Context, draft Draft) (int64, error)

	// Recent returns the ten most recent messages, newest first; fewer when
	// their texts would be larger than [MaxText] together, but the newest
	// whatever its size.
	Recent(ctx context.Context) ([]Message, error)

	// Delete removes a message. It fails when there is none with the number.
	Delete(ctx context.Context, id int64) error

	// Close waits for what is under way and lets go of the database.
	Close()
}

// Bounds of a message.
const (
	MaxText     = 1 << 20 // bytes
	MaxUsername = 512     // characters; an identifier of OpenID Connect has up to 255, and its issuer stands beside it
	MaxKey      = 128     // bytes

	recent = 10
)

// Errors of every store, for the model.
var (
	errUnavailable = errors.New("the messages cannot be reached at the moment: try again in a minute")
	errUncertain   = errors.New("the database broke off: it may or may not have happened; look with get_messages before you try again")
	errKeyUsed     = errors.New("the idempotency key was used for another text: use a new key for a new message")
)

// checked returns the draft with a key, or reports what no store takes.
func checked(d Draft) (Draft, error) {
	if d.Key == "" {
		d.Key = rand.Text()
	}
	return d, check(d.Username, d.Text, d.Key)
}

func check(username, text, key string) error {
	switch {
	case len(key) > MaxKey || strings.ContainsFunc(key, unicode.IsControl):
		return fmt.Errorf("the idempotency key has control characters or more than %d bytes: use a short random string", MaxKey)
	case strings.TrimSpace(username) == "":
		return errors.New("username is empty: say who posts the message")
	case utf8.RuneCountInString(username) > MaxUsername:
		return fmt.Errorf("username is longer than %d characters: use a shorter one", MaxUsername)
	case strings.ContainsFunc(username, unicode.IsControl):
		return errors.New("username has control characters: leave them out")
	case text == "":
		return errors.New("text is empty: write something")
	case len(text) > MaxText:
		return fmt.Errorf("text has %d bytes and may have %d: post it in parts", len(text), MaxText)
	case strings.ContainsRune(text, 0):
		// PostgreSQL's text has no such character, so no store's has.
		return errors.New("text has a NUL character (U+0000), which cannot be stored: leave it out")
	}
	return nil
}

// fit leaves out the oldest messages that would make an answer too large. Ten
// large messages must not keep everybody from reading the next one.
func fit(newestFirst []Message) []Message {
	size := 0
	for i, m := range newestFirst {
		if size += len(m.Text); size > MaxText && i > 0 {
			return newestFirst[:i]
		}
	}
	return newestFirst
}

func notFound(id int64) error {
	return fmt.Errorf("there is no message %d: get_messages lists the recent ones", id)
}
