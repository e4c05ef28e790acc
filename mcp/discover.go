package mcp

// DiscoverResult is the result of server/discover: what a client needs to know
// before it sends its first request.
type DiscoverResult struct {
	Meta              Meta               `json:"_meta,omitzero"`
	ResultType        ResultType         `json:"resultType,omitzero"`
	TTLMs             int64              `json:"ttlMs"`
	CacheScope        CacheScope         `json:"cacheScope"`
	SupportedVersions List[string]       `json:"supportedVersions"`
	Capabilities      ServerCapabilities `json:"capabilities"`
	// Instructions tell a model how to use the server well. What the tools'
	// descriptions already say does not belong here.
	Instructions string `json:"instructions,omitzero"`
}
