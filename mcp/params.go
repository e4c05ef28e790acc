package mcp

// RequestParams are the parameters every request has, and the only ones of
// server/discover.
type RequestParams struct {
	Meta Meta `json:"_meta,omitzero"`
}

// NotificationParams are the parameters every notification has, and the only
// ones of the list_changed notifications.
type NotificationParams struct {
	Meta Meta `json:"_meta,omitzero"`
}

// PaginatedRequestParams are the parameters of the requests that list tools,
// prompts, resources and resource templates.
type PaginatedRequestParams struct {
	Meta Meta `json:"_meta,omitzero"`
	// Cursor says where to go on: the NextCursor of the page before. It is nil
	// for the first page.
	Cursor *Cursor `json:"cursor,omitzero"`
}

// Cursor is a server's opaque mark for a position in a list. The empty cursor
// is a valid one: only a nil *Cursor stands for no cursor
// (pagination, "Implementation Guidelines").
type Cursor string
