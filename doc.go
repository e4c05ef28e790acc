// Package mcpengine builds servers for the Model Context Protocol (MCP).
//
// Every feature is a function from typed input to typed output:
//
//	type Place struct {
//		City string `json:"city" jsonschema:"name of the city"`
//	}
//
//	e := mcpengine.New("weather")
//	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
//		func(ctx context.Context, in Place) (string, error) {
//			return "The weather in " + in.City + " is sunny and 72°F.", nil
//		})
//	err := e.Run(context.Background())
//
// The engine infers the JSON Schema of the input, validates every call against
// it, decodes the arguments and encodes the result. It keeps no state between
// requests: any replica answers any request.
//
// # Lifespan
//
// A program's set-up is the lines before [Engine.Run], its state a struct whose
// methods are the handlers, and its clean-up is defer: Run returns on SIGINT,
// on SIGTERM and when its context is cancelled. Set-up therefore happens once
// per process, not once per request.
//
// # Asking the user
//
// A handler that needs something from the user or the client's model asks for
// it in straight-line code with [Elicit], [ElicitURL], [CreateMessage] and
// [ListRoots]. The protocol has no request from server to client: the first
// call ends the round, and when the client sends the request again with the
// answer, the handler is run again from its start and the same call returns
// the answer. Code before a question may run several times; put side effects
// into [Step].
//
// # Authorization
//
// [WithAuth] makes the engine a protected resource of OAuth 2.1: every feature
// needs a valid access token unless it is [Public]. [RequireScopes] demands scopes,
// [Allow] rules over the caller, and [Hidden] hides a feature from callers who may
// not use it. Handlers find the caller with auth.UserFrom, and demand further
// scopes with [CheckScopes]. Without WithAuth everybody may use everything.
//
// # Middleware
//
// [WithMiddleware] wraps every request and [WithToolMiddleware] every call of a
// tool. Both may replace parameters and results.
//
// # Errors
//
// An error from a tool becomes a tool result for the model to read and act on.
// An [*mcp.Error] becomes a JSON-RPC error. Any other error, of a resource or a
// prompt, is logged and answered as an internal error without details. So is a
// panic.
//
// # Finding a name
//
// A server needs [New], [AddTool], [AddResource], [AddPrompt] and [Engine.Run], the
// options of its features, and perhaps [WithAuth], [WithKeys] and [WithHTTP]. Every
// other name belongs to one subject:
//
//   - features as values, for programs that learn late what they offer: [NewTool],
//     [NewResource], [NewPrompt], [Engine.Add], [Engine.Remove]
//   - within a handler: [RequestFrom], [Progress], [Log], and the questions above
//   - limits for callers: [CallsPerMinute], [CallsAtOnce], [WithTimeout] and the
//     other options that satisfy [LimitOption]; [WithLimiter]
//   - several replicas: [WithBus], [EventStore], [WithServerIdentity]
//   - settings that the user of a program gives it: [Config], and [ConfigFrom] for
//     tests
//   - operation: [WithObserver], [WithReady], [Engine.Explain]
//   - writing an extension: [Extension], [NewMethod], [NewListenField], [Notify]
//   - running a tool outside its request, as ext/tasks does: [WithExecution],
//     [Engine.CallDetached], [Journal]
package mcpengine
