package legacy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

const (
	sessionPurpose = "session"

	// maxSessionToken bounds a session id: many servers and proxies accept no
	// header fields of more than 8 KiB together.
	maxSessionToken = 4 << 10
)

// A ticket is what a session id says. The caller is not in it: an id opens for
// its own caller only.
type ticket struct {
	peer    Peer
	expires time.Time
}

// nameSize is the length of what ends a session id: the tag that seals it, which
// no two ids have in common, and nobody can choose.
const nameSize = 22

// nameOf returns what tells the sessions of an instance, and of replicas with
// the same keys, apart.
func nameOf(token string) string { return strings.Clone(token[max(0, len(token)-nameSize):]) }

// mint returns the id of a new session: a token that says all there is to know
// of it. It consists of visible ASCII characters as it must (2025-11-25,
// transports, "Session Management"). It reports false when there is too much to
// say, even without what a client says of itself beyond name and version, such
// as icons.
func (h *HTTP) mint(peer Peer, caller string, now time.Time) (token string, ok bool) {
	t := ticket{peer: peer, expires: now.Add(h.config.SessionTTL)}
	for _, info := range [][]byte{peer.Info, shortInfo(peer.Info)} {
		t.peer.Info = info
		token = h.config.Keys.Seal(sessionPurpose, t.append(nil), []byte(caller))
		if len(token) <= maxSessionToken {
			return token, true
		}
	}
	return "", false
}

// open returns what an id says, and false when it is not one that mint has
// made for the caller, or has expired.
func (h *HTTP) open(token, caller string, now time.Time) (t ticket, ok bool) {
	if len(token) > maxSessionToken {
		return t, false
	}
	plain, err := h.config.Keys.Open(sessionPurpose, token, []byte(caller))
	if err != nil {
		return t, false
	}
	t, ok = parseTicket(plain)
	return t, ok && now.Before(t.expires)
}

func (t ticket) append(dst []byte) []byte {
	dst = append(dst, `{"v":`...)
	dst = jsonrpc.AppendString(dst, t.peer.Version)
	dst = append(append(dst, `,"c":`...), t.peer.Capabilities...)
	dst = append(append(dst, `,"i":`...), t.peer.Info...)
	dst = append(dst, `,"x":`...)
	dst = strconv.AppendInt(dst, t.expires.Unix(), 10)
	return append(dst, '}')
}

func parseTicket(plain []byte) (t ticket, ok bool) {
	members, err := jsonrpc.ParseObject(plain)
	if err != nil {
		return t, false
	}
	version := members.Get("v")
	expires, err := strconv.ParseInt(string(members.Get("x")), 10, 64)
	if err != nil || !isText(version) {
		return t, false
	}
	t = ticket{
		peer:    Peer{Version: jsonrpc.UnquoteString(version), Capabilities: members.Get("c"), Info: members.Get("i")},
		expires: time.Unix(expires, 0),
	}
	// A program may serve fewer versions than the one before it.
	return t, slices.Contains(Versions, t.peer.Version)
}

// shortInfo returns name and version of an implementation.
func shortInfo(info []byte) []byte {
	members, err := jsonrpc.ParseObject(info)
	if err != nil {
		return info // never: Negotiate has read it
	}
	short := append([]byte(`{"name":`), members.Get("name")...)
	short = append(append(short, `,"version":`...), members.Get("version")...)
	return append(short, '}')
}
