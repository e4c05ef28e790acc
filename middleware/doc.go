// Package middleware has what most servers need beside their handlers: a request
// log, errors that show callers no details, and retries of requests to other
// services. Timeouts are mcpengine.WithTimeout.
//
//	e := mcpengine.New("reports",
//		middleware.Log(slog.Default()),
//		middleware.MaskErrors(slog.Default()),
//		mcpengine.WithTimeout(30*time.Second))
package middleware
