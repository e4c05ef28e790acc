package handshake

import (
	"encoding/binary"
	"math"
	"slices"
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

// The claims are what a session id says. The caller is not in it: an id opens for
// its own caller only.
type claims struct {
	peer    Peer
	expires time.Time
}

// nameSize is the length of what ends a session id: the tag that seals it, which
// no two ids have in common, and nobody can choose.
const nameSize = 22

// nameOf returns what tells the sessions of an instance, and of replicas with
// the same keys, apart.
func nameOf(token string) string { return strings.Clone(token[max(0, len(token)-nameSize):]) }

// issue returns the id of a new session: a token that says all there is to know
// of it. It consists of visible ASCII characters as it must (2025-11-25,
// transports, "Session Management"). It reports false when there is too much to
// say, even without what a client says of itself beyond name and version, such
// as icons.
func (h *HTTP) issue(peer Peer, caller string, now time.Time) (token string, ok bool) {
	t := claims{peer: peer, expires: now.Add(h.config.SessionTTL)}
	for _, info := range [][]byte{peer.Info, shortInfo(peer.Info)} {
		t.peer.Info = info
		token = h.config.Keys.Seal(sessionPurpose, t.append(nil), []byte(caller))
		if len(token) <= maxSessionToken {
			return token, true
		}
	}
	return "", false
}

// open returns what an id says, and false when it is not one that issue has
// made for the caller, or has expired.
func (h *HTTP) open(token, caller string, now time.Time) (t claims, ok bool) {
	if len(token) > maxSessionToken {
		return t, false
	}
	plain, err := h.config.Keys.Open(sessionPurpose, token, []byte(caller))
	if err != nil {
		return t, false
	}
	t, ok = parseClaims(plain)
	return t, ok && now.Before(t.expires)
}

// made reports whether an id was made here, or by a replica, for the caller. It
// may have expired or been deleted.
func (h *HTTP) made(token, caller string) bool {
	_, err := h.config.Keys.Open(sessionPurpose, token, []byte(caller))
	return err == nil
}

// append writes the claims, in few bytes: a client sends it with each request,
// and net/http looks at every character of a header. The version is the place in
// versions, to which none will be added: later ones have no handshake.
func (t claims) append(dst []byte) []byte {
	dst = append(dst, byte(slices.Index(versions, t.peer.Version)))
	dst = binary.AppendUvarint(dst, uint64(t.expires.Unix())) //nolint:gosec // after 1970
	dst = binary.AppendUvarint(dst, uint64(len(t.peer.Capabilities)))
	dst = append(dst, t.peer.Capabilities...)
	return appendInfo(dst, t.peer.Info)
}

// appendInfo writes an implementation, of which there is usually no more than
// name and version, without the names of the members then.
func appendInfo(dst, info []byte) []byte {
	members, err := jsonrpc.ParseObject(info)
	if err != nil || len(members) != 2 {
		return append(dst, info...)
	}
	dst = append(append(dst, members.Get("name")...), ',')
	return append(dst, members.Get("version")...)
}

func parseClaims(plain []byte) (t claims, ok bool) {
	if len(plain) == 0 || int(plain[0]) >= len(versions) {
		return t, false
	}
	t.peer.Version = versions[plain[0]]
	expires, n := binary.Uvarint(plain[1:])
	plain = plain[1+max(n, 0):]
	size, m := binary.Uvarint(plain)
	plain = plain[max(m, 0):]
	if n <= 0 || m <= 0 || expires > math.MaxInt64 || size > uint64(len(plain)) {
		return t, false
	}
	t.expires = time.Unix(int64(expires), 0)
	t.peer.Capabilities = plain[:size]
	t.peer.Info, ok = parseInfo(plain[size:])
	return t, ok && isValidObject(t.peer.Capabilities) && isValidObject(t.peer.Info)
}

// parseInfo reads what appendInfo has written.
func parseInfo(written []byte) (info []byte, ok bool) {
	if len(written) > 0 && written[0] == '{' {
		return written, true // with more than name and version
	}
	pair, err := jsonrpc.ParseArray(slices.Concat([]byte{'['}, written, []byte{']'}))
	if err != nil || len(pair) != 2 || !jsonrpc.IsString(pair[0]) || !jsonrpc.IsString(pair[1]) {
		return nil, false
	}
	return nameAndVersion(pair[0], pair[1]), true
}

// shortInfo returns name and version of an implementation.
func shortInfo(info []byte) []byte {
	members, err := jsonrpc.ParseObject(info)
	if err != nil {
		return info // never: Negotiate has read it
	}
	return nameAndVersion(members.Get("name"), members.Get("version"))
}

func nameAndVersion(name, version []byte) []byte {
	info := append([]byte(`{"name":`), name...)
	info = append(append(info, `,"version":`...), version...)
	return append(info, '}')
}

func isValidObject(value []byte) bool {
	_, err := jsonrpc.ParseObject(value)
	return err == nil
}
