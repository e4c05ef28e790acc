package mcp

import "encoding/json"

// CancelledNotificationParams say that the sender does not wait for a result any
// more.
type CancelledNotificationParams struct {
	Meta Meta `json:"_meta,omitzero"`
	// RequestID is the id of the request to cancel. Required.
	RequestID RequestID `json:"requestId"`
	// Reason is for people and logs.
	Reason string `json:"reason,omitzero"`
}

// ProgressNotificationParams say how far a request has come.
type ProgressNotificationParams struct {
	Meta Meta `json:"_meta,omitzero"`
	// ProgressToken is the one in the request's [MetaProgressToken]. Required.
	ProgressToken ProgressToken `json:"progressToken"`
	// Progress grows with every notification.
	Progress float64 `json:"progress"`
	// Total is where Progress will end, or nil if that is not known.
	Total *float64 `json:"total,omitzero"`
	// Message is for people.
	Message string `json:"message,omitzero"`
}

// LoggingMessageNotificationParams are the parameters of
// notifications/message. The specification deprecates logging since
// 2026-07-28.
type LoggingMessageNotificationParams struct {
	Meta   Meta         `json:"_meta,omitzero"`
	Level  LoggingLevel `json:"level"`
	Logger string       `json:"logger,omitzero"`
	// Data is any JSON value. nil encodes as null.
	Data json.RawMessage `json:"data"`
}

// LoggingLevel is the severity of a log message, one of the severities of
// syslog (RFC 5424, section 6.2.1).
type LoggingLevel string

// The logging levels, from the least severe to the most.
const (
	LoggingLevelDebug     LoggingLevel = "debug"
	LoggingLevelInfo      LoggingLevel = "info"
	LoggingLevelNotice    LoggingLevel = "notice"
	LoggingLevelWarning   LoggingLevel = "warning"
	LoggingLevelError     LoggingLevel = "error"
	LoggingLevelCritical  LoggingLevel = "critical"
	LoggingLevelAlert     LoggingLevel = "alert"
	LoggingLevelEmergency LoggingLevel = "emergency"
)
