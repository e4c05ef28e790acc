package mcp

import "encoding/json"

// InputRequiredResult takes the place of a result when the server needs input
// from the client first. The client answers by sending the request again with
// InputResponses and RequestState. At least one of InputRequests and
// RequestState is set (multi round-trip requests, "Server Requirements").
type InputRequiredResult struct {
	Meta          Meta          `json:"_meta,omitzero"`
	ResultType    ResultType    `json:"resultType,omitzero"`
	InputRequests InputRequests `json:"inputRequests,omitzero"`
	// RequestState is opaque to the client, which sends back exactly what it
	// got: nil if there was none, and an empty string if it was empty.
	RequestState *string `json:"requestState,omitzero"`
}

// InputRequests are the questions of a server, each under a key of the server's
// choosing.
type InputRequests map[string]InputRequest

// InputRequest is one thing a server wants answered. Method tells what Params
// are: [ElicitRequestFormParams] or [ElicitRequestURLParams] for
// [MethodElicitationCreate], [CreateMessageRequestParams] for
// [MethodSamplingCreateMessage], and nil or a [RequestParams] for
// [MethodRootsList].
type InputRequest struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitzero"`
}

// InputResponses are the client's answers, each under the key of the
// [InputRequest] it answers: an [ElicitResult], a [CreateMessageResult] or a
// [ListRootsResult].
type InputResponses map[string]json.RawMessage

// InputResponseRequestParams are the parameters that answer an
// [InputRequiredResult]. Every request that may be answered with one has them.
type InputResponseRequestParams struct {
	Meta           Meta           `json:"_meta,omitzero"`
	InputResponses InputResponses `json:"inputResponses,omitzero"`
	// RequestState is nil unless the result had one. It comes from the client:
	// trust nothing in it that the server has not sealed.
	RequestState *string `json:"requestState,omitzero"`
}
