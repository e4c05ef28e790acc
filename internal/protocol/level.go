package protocol

import (
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// levels are the log levels, the least severe first (RFC 5424).
var levels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// DefaultLevel is the least level of log messages for a client that has not set
// one: the server may choose (2025-11-25, logging, "Setting Log Level").
const DefaultLevel = "info"

// Levels returns the log levels, the least severe first.
func Levels() []string { return slices.Clone(levels) }

// Severity orders log levels. It is -1 for a text that is not a level.
func Severity(level string) int { return slices.Index(levels, level) }

// IsLevel reports whether value is a JSON string that names a log level.
func IsLevel(value []byte) bool { return Severity(jsonrpc.Text(value)) >= 0 }
