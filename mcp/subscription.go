package mcp

// SubscriptionFilter names the notifications a client wants to get on a
// stream. A server sends no others.
type SubscriptionFilter struct {
	ToolsListChanged     bool `json:"toolsListChanged,omitzero"`
	PromptsListChanged   bool `json:"promptsListChanged,omitzero"`
	ResourcesListChanged bool `json:"resourcesListChanged,omitzero"`
	// ResourceSubscriptions are the URIs of the resources to report updates of.
	ResourceSubscriptions []string `json:"resourceSubscriptions,omitzero"`
}

// SubscriptionsListenRequestParams are the parameters of subscriptions/listen,
// which opens a stream of notifications.
type SubscriptionsListenRequestParams struct {
	Meta          Meta               `json:"_meta,omitzero"`
	Notifications SubscriptionFilter `json:"notifications"`
}

// SubscriptionsAcknowledgedNotificationParams say which of the wanted
// notifications a server agrees to send. They come first on a stream.
type SubscriptionsAcknowledgedNotificationParams struct {
	// Meta has [MetaSubscriptionID].
	Meta          Meta               `json:"_meta,omitzero"`
	Notifications SubscriptionFilter `json:"notifications"`
}

// SubscriptionsListenResult is the result of subscriptions/listen, which a
// server sends when it ends the stream in good order.
type SubscriptionsListenResult struct {
	// Meta has [MetaSubscriptionID]. Required.
	Meta       Meta       `json:"_meta,omitzero"`
	ResultType ResultType `json:"resultType,omitzero"`
}

// ResourceUpdatedNotificationParams say that a resource has changed.
type ResourceUpdatedNotificationParams struct {
	Meta Meta `json:"_meta,omitzero"`
	// URI may name a part of the resource that the client subscribed to.
	URI string `json:"uri"`
}
