package mcp

import "encoding/json"

// Resource describes something that a client can read from a server.
type Resource struct {
	URI         string       `json:"uri"`
	Name        string       `json:"name"`
	Title       string       `json:"title,omitzero"`
	Description string       `json:"description,omitzero"`
	MIMEType    string       `json:"mimeType,omitzero"`
	Annotations *Annotations `json:"annotations,omitzero"`
	// Size is the number of bytes before any encoding, or nil if not known.
	Size  *int64 `json:"size,omitzero"`
	Icons []Icon `json:"icons,omitzero"`
	Meta  Meta   `json:"_meta,omitzero"`
}

// ResourceTemplate describes a family of resources by the form of their URIs.
type ResourceTemplate struct {
	// URITemplate is a template of RFC 6570.
	URITemplate string `json:"uriTemplate"`
	Name        string `json:"name"`
	Title       string `json:"title,omitzero"`
	Description string `json:"description,omitzero"`
	// MIMEType is set only when every resource of the family has it.
	MIMEType    string       `json:"mimeType,omitzero"`
	Annotations *Annotations `json:"annotations,omitzero"`
	Icons       []Icon       `json:"icons,omitzero"`
	Meta        Meta         `json:"_meta,omitzero"`
}

// ResourceContents is the contents of a resource: bytes when Blob is not nil, and
// text otherwise. The schema's TextResourceContents and
// BlobResourceContents are its two forms.
type ResourceContents struct {
	URI      string `json:"uri"`
	MIMEType string `json:"mimeType,omitzero"`
	Text     string `json:"text"`
	Blob     []byte `json:"blob"`
	Meta     Meta   `json:"_meta,omitzero"`
}

// MarshalJSON encodes the contents with either a blob member, in base64, or a
// text member, which is there even when it is empty.
func (c ResourceContents) MarshalJSON() ([]byte, error) {
	wire := struct {
		URI      string  `json:"uri"`
		MIMEType string  `json:"mimeType,omitzero"`
		Text     *string `json:"text,omitzero"`
		Blob     []byte  `json:"blob,omitzero"`
		Meta     Meta    `json:"_meta,omitzero"`
	}{URI: c.URI, MIMEType: c.MIMEType, Blob: c.Blob, Meta: c.Meta}
	if c.Blob == nil {
		wire.Text = &c.Text
	}
	return json.Marshal(wire)
}

// ListResourcesResult is the result of resources/list.
type ListResourcesResult struct {
	Meta       Meta           `json:"_meta,omitzero"`
	ResultType ResultType     `json:"resultType,omitzero"`
	TTLMs      int64          `json:"ttlMs"`
	CacheScope CacheScope     `json:"cacheScope"`
	Resources  List[Resource] `json:"resources"`
	// NextCursor is nil on the last page.
	NextCursor *Cursor `json:"nextCursor,omitzero"`
}

// ListResourceTemplatesResult is the result of resources/templates/list.
type ListResourceTemplatesResult struct {
	Meta              Meta                   `json:"_meta,omitzero"`
	ResultType        ResultType             `json:"resultType,omitzero"`
	TTLMs             int64                  `json:"ttlMs"`
	CacheScope        CacheScope             `json:"cacheScope"`
	ResourceTemplates List[ResourceTemplate] `json:"resourceTemplates"`
	// NextCursor is nil on the last page.
	NextCursor *Cursor `json:"nextCursor,omitzero"`
}

// ReadResourceRequestParams are the parameters of resources/read.
type ReadResourceRequestParams struct {
	Meta           Meta           `json:"_meta,omitzero"`
	URI            string         `json:"uri"`
	InputResponses InputResponses `json:"inputResponses,omitzero"`
	RequestState   *string        `json:"requestState,omitzero"`
}

// ReadResourceResult is the result of resources/read, unless the server asks
// for input with an [InputRequiredResult].
type ReadResourceResult struct {
	Meta       Meta                   `json:"_meta,omitzero"`
	ResultType ResultType             `json:"resultType,omitzero"`
	TTLMs      int64                  `json:"ttlMs"`
	CacheScope CacheScope             `json:"cacheScope"`
	Contents   List[ResourceContents] `json:"contents"`
}
