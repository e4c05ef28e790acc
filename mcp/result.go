package mcp

// Result holds the members every result has. Decode a result into it first
// when its kind is not known: ResultType tells what the rest looks like.
type Result struct {
	Meta       Meta       `json:"_meta,omitzero"`
	ResultType ResultType `json:"resultType,omitzero"`
}

// EmptyResult is a result that says the request succeeded and nothing more.
type EmptyResult = Result

// ResultType tells a complete result from a request for more input. Servers
// before protocol version 2026-07-28 send none: the empty ResultType means
// [ResultTypeComplete].
type ResultType string

// The result types of the protocol. Extensions may define more.
const (
	// ResultTypeComplete marks the final result of a request.
	ResultTypeComplete ResultType = "complete"
	// ResultTypeInputRequired marks an [InputRequiredResult].
	ResultTypeInputRequired ResultType = "input_required"
)

// CacheScope says which clients may share a cached result.
type CacheScope string

// The cache scopes, which accompany a TTLMs: the number of milliseconds for
// which a client may take the result as fresh.
const (
	// CacheScopePublic allows any client and intermediary to reuse the result.
	CacheScopePublic CacheScope = "public"
	// CacheScopePrivate allows reuse only within one authorization context.
	CacheScopePrivate CacheScope = "private"
)
