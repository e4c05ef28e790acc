package mcp

// ListRootsResult is the client's answer to roots/list. The specification
// deprecates roots since 2026-07-28.
type ListRootsResult struct {
	Roots List[Root] `json:"roots"`
}

// Root is a directory or file that a client lets a server work on.
type Root struct {
	// URI starts with file://.
	URI  string `json:"uri"`
	Name string `json:"name,omitzero"`
	Meta Meta   `json:"_meta,omitzero"`
}
