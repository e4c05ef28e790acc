package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// Handlers answer the questions of servers. Each may be nil: servers are told
// what the client can answer, and do not ask for anything else. They are called
// concurrently.
type Handlers struct {
	// ElicitForm asks the user to fill in a form. Members that an accepted answer
	// leaves out get the defaults of the form.
	ElicitForm func(ctx context.Context, params mcp.ElicitRequestFormParams) (mcp.ElicitResult, error)

	// ElicitURL asks the user to open a URL. Show the whole URL first, and do not
	// open it without consent.
	ElicitURL func(ctx context.Context, params mcp.ElicitRequestURLParams) (mcp.ElicitResult, error)

	// CreateMessage calls a model.
	CreateMessage func(ctx context.Context, params mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error)

	// ListRoots returns the folders and files that servers may work on.
	ListRoots func(ctx context.Context) ([]mcp.Root, error)

	// Log gets the log messages of servers, from LogLevel on. When it is nil,
	// servers are asked for no log messages.
	Log func(mcp.LoggingMessageNotificationParams)

	// LogLevel is the least severe level to receive. The default is info.
	LogLevel mcp.LoggingLevel
}

func (h Handlers) logLevel() string {
	if h.LogLevel == "" {
		return string(mcp.LoggingLevelInfo)
	}
	return string(h.LogLevel)
}

// capabilities returns the capabilities that follow from the handlers and the
// extensions.
func (c *config) capabilities() mcp.ClientCapabilities {
	h := c.handlers
	capabilities := mcp.ClientCapabilities{Extensions: c.extensions.settings}
	if h.ElicitForm != nil || h.ElicitURL != nil {
		capabilities.Elicitation = &mcp.ElicitationCapability{}
		if h.ElicitForm != nil {
			capabilities.Elicitation.Form = mcp.JSONObject{}
		}
		if h.ElicitURL != nil {
			capabilities.Elicitation.URL = mcp.JSONObject{}
		}
	}
	if h.CreateMessage != nil {
		capabilities.Sampling = &mcp.SamplingCapability{}
	}
	if h.ListRoots != nil {
		capabilities.Roots = &mcp.RootsCapability{}
	}
	return capabilities
}

// answerRequest answers a question that the server has sent as a request.
func (c *Client) answerRequest(ctx context.Context, method string, params []byte) ([]byte, error) {
	answer, err := c.answer(ctx, method, params, peer.RequestID(ctx))
	if own, ok := errors.AsType[*mcp.Error](err); ok {
		sent := &jsonrpc.Error{Code: own.Code, Message: own.Message}
		if jsonrpc.Valid(own.Data) == nil {
			sent.Data = own.Data
		}
		err = sent
	}
	return answer, err
}

// answer answers a question of the server. The id is empty for one in a result.
func (c *Client) answer(ctx context.Context, method string, params []byte, id string) ([]byte, error) {
	if c.config.question == nil {
		return c.answerQuestion(ctx, method, params)
	}
	q := &Question{Method: method, Params: params, ID: id}
	select {
	case <-c.connected:
		q.ProtocolVersion, q.Server, q.SessionID = c.conn.Version(), c.conn.Address(), c.conn.SessionID()
	default: // the server asks while the client connects
	}
	ctx, end := c.config.question(ctx, q)
	answer, err := c.answerQuestion(ctx, method, params)
	if end == nil {
		return answer, err
	}
	told := public(err)
	if id != "" && err != nil && !isSent(err) {
		told = mcp.Errorf(mcp.CodeInternalError, peer.CannotAnswer)
	}
	end(answer, told)
	return answer, err
}

// isSent reports whether a server is sent the error as it is.
func isSent(err error) bool {
	_, ours := errors.AsType[*jsonrpc.Error](err)
	_, own := errors.AsType[*mcp.Error](err)
	return ours || own
}

func (c *Client) answerQuestion(ctx context.Context, method string, params []byte) ([]byte, error) {
	h := c.config.handlers
	switch {
	case method == mcp.MethodElicitationCreate:
		return c.elicit(ctx, params)
	case method == mcp.MethodSamplingCreateMessage && h.CreateMessage != nil:
		return answerWith(params, func(p mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			return h.CreateMessage(ctx, p)
		})
	case method == mcp.MethodRootsList && h.ListRoots != nil:
		roots, err := h.ListRoots(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(mcp.ListRootsResult{Roots: roots})
	}
	return nil, jsonrpc.Errorf(mcp.CodeMethodNotFound, "the client does not answer %.64s", method)
}

func (c *Client) elicit(ctx context.Context, params []byte) ([]byte, error) {
	h := c.config.handlers
	members, err := jsonrpc.ParseObject(params)
	if err != nil {
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "read the parameters: %v", err)
	}
	switch {
	case jsonrpc.EqualString(members.Get("mode"), string(mcp.ElicitModeURL)) && h.ElicitURL != nil:
		return answerWith(params, func(p mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) { return h.ElicitURL(ctx, p) })
	case !jsonrpc.EqualString(members.Get("mode"), string(mcp.ElicitModeURL)) && h.ElicitForm != nil:
		return answerWith(params, func(p mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			result, err := h.ElicitForm(ctx, p)
			if err == nil && result.Action == mcp.ElicitActionAccept {
				result.Content, err = withDefaults(result.Content, p.RequestedSchema)
			}
			return result, err
		})
	}
	return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "the client does not answer this mode of elicitation")
}

// answerWith decodes the parameters, calls the handler and encodes its answer.
func answerWith[Params, Result any](params []byte, handler func(Params) (Result, error)) ([]byte, error) {
	var p Params
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "decode the parameters: %v", err)
	}
	result, err := handler(p)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// withDefaults adds the members that the content leaves out and the form has
// defaults for (elicitation, "Requested Schema").
func withDefaults(content, form []byte) ([]byte, error) {
	if len(content) == 0 {
		content = []byte("{}")
	}
	given, err := jsonrpc.ParseObject(content)
	if err != nil {
		return nil, fmt.Errorf("read the content of a form: %w", err)
	}
	schema, _ := jsonrpc.ParseObject(form)
	properties, _ := jsonrpc.ParseObject(schema.Get("properties"))
	for _, p := range properties {
		property, _ := jsonrpc.ParseObject(p.Value)
		if value := property.Get("default"); value != nil && given.Get(string(p.Name)) == nil {
			content = setMember(content, string(p.Name), value)
		}
	}
	return content, nil
}
