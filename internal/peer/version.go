package peer

import "slices"

// A version is a protocol version as the transports see it. Code asks a row of
// the table; it never compares versions.
type version struct {
	name string

	// handshake says that a connection begins with initialize, that the server
	// may send requests, and that a request is cancelled by a notification.
	handshake bool
}

// versions are the known protocol versions, newest first.
var versions = []version{
	{name: "2026-07-28"},
	{name: "2025-11-25", handshake: true},
	{name: "2025-06-18", handshake: true},
	{name: "2025-03-26", handshake: true},
	{name: "2024-11-05", handshake: true},
}

// findVersion returns the row of a version, and nil when it is not known.
func findVersion(name string) *version {
	for i := range versions {
		if versions[i].name == name {
			return &versions[i]
		}
	}
	return nil
}

// newest returns the newest known version that allowed and offered both hold,
// of those with or without a handshake; nil offered means any.
func newest(allowed, offered []string, handshake bool) *version {
	for i := range versions {
		v := &versions[i]
		if v.handshake == handshake && slices.Contains(allowed, v.name) && (offered == nil || slices.Contains(offered, v.name)) {
			return v
		}
	}
	return nil
}

// Versions returns the known protocol versions, newest first.
func Versions() []string {
	names := make([]string, len(versions))
	for i := range versions {
		names[i] = versions[i].name
	}
	return names
}
