package mcp

// LatestProtocolVersion is the protocol version these types describe.
const LatestProtocolVersion = "2026-07-28"

// TasksProtocolVersion is the one protocol version that has tasks itself. In later
// versions an extension has them.
const TasksProtocolVersion = "2025-11-25"

// Methods of the requests a client sends to a server.
const (
	MethodServerDiscover         = "server/discover"
	MethodToolsList              = "tools/list"
	MethodToolsCall              = "tools/call"
	MethodResourcesList          = "resources/list"
	MethodResourcesTemplatesList = "resources/templates/list"
	MethodResourcesRead          = "resources/read"
	MethodPromptsList            = "prompts/list"
	MethodPromptsGet             = "prompts/get"
	MethodCompletionComplete     = "completion/complete"
	MethodSubscriptionsListen    = "subscriptions/listen"
)

// Methods a server asks a client for through an [InputRequest]. Under this
// protocol version they never travel as requests of their own.
const (
	MethodElicitationCreate     = "elicitation/create"
	MethodSamplingCreateMessage = "sampling/createMessage"
	MethodRootsList             = "roots/list"
)

// Methods of the notifications. A client sends only
// [MethodNotificationsCancelled]; a server may send any of them.
const (
	MethodNotificationsCancelled                 = "notifications/cancelled"
	MethodNotificationsProgress                  = "notifications/progress"
	MethodNotificationsMessage                   = "notifications/message"
	MethodNotificationsToolsListChanged          = "notifications/tools/list_changed"
	MethodNotificationsPromptsListChanged        = "notifications/prompts/list_changed"
	MethodNotificationsResourcesListChanged      = "notifications/resources/list_changed"
	MethodNotificationsResourcesUpdated          = "notifications/resources/updated"
	MethodNotificationsSubscriptionsAcknowledged = "notifications/subscriptions/acknowledged"
)
