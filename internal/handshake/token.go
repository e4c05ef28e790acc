package handshake

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

const (
	sessionPurpose = "session"

	// maxSessionToken bounds a session id: many servers and proxies accept no
	// header fields of more than 8 KiB together.
	maxSessionToken = 4 << 10
)

// The claims are the content of a session id. The caller is not part of them:
// an id can only be opened for its own caller.
type claims struct {
	peer    Peer
	expires time.Time
}

// nameSize is the length of the authentication tag at the end of a session id.
// The tag is unique, and a client cannot choose it.
const nameSize = 22

// nameOf returns a short unique name for the session with an id. It is unique
// among all replicas with the same keys. It shares the memory of the id.
func nameOf(token string) string { return token[max(0, len(token)-nameSize):] }

// issue returns the id of a new session: a token that holds all its claims. It
// consists of visible ASCII characters, as it must (2025-11-25, transports,
// "Session Management"). When the token would be too long, it leaves out what
// the client says of itself beyond name and version, such as icons. It reports
// false when the token is still too long.
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

// open returns the claims of an id. It reports false when issue has not made
// the id for the caller, and when the id has expired.
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

// made reports whether this server or a replica has made the id for the caller.
// The id may have expired or been deleted.
func (h *HTTP) made(token, caller string) bool {
	_, err := h.config.Keys.Open(sessionPurpose, token, []byte(caller))
	return err == nil
}

// append writes the claims in few bytes: a client sends the id with each
// request, and net/http checks every character of a header. The version is
// written as its index in versions. That list will not grow, because all
// further versions have no handshake.
func (t claims) append(dst []byte) []byte {
	dst = append(dst, byte(slices.Index(versions, t.peer.Version)))
	dst = binary.AppendUvarint(dst, uint64(t.expires.Unix())) //nolint:gosec // after 1970
	dst = binary.AppendUvarint(dst, uint64(len(t.peer.Capabilities)))
	dst = append(dst, t.peer.Capabilities...)
	return appendInfo(dst, t.peer.Info)
}

// appendInfo writes an implementation. When it has only a name and a version,
// as usual, it leaves out the names of the members.
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

// parseInfo reads the output of appendInfo.
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
		return info // cannot happen: Negotiate has read it
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
