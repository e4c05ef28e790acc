package dev

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A cancelBody is a body whose request ends when it is closed.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b cancelBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

func copyBody(w http.ResponseWriter, resp *http.Response) { _, _ = io.Copy(w, resp.Body) }

// listMembers are the members with the items in the results of lists.
var listMembers = map[string]string{
	mcp.MethodToolsList:              "tools",
	mcp.MethodPromptsList:            "prompts",
	mcp.MethodResourcesList:          "resources",
	mcp.MethodResourcesTemplatesList: "resourceTemplates",
}

// edit changes the answer to a request on its way to the client. Other messages
// are returned as they are. Found says that an answer takes the place of an error.
func (f *Front) edit(request *jsonrpc.Message, data []byte) (edited []byte, found bool) {
	note := ""
	if request.Method == mcp.MethodToolsCall {
		note = f.noted()
	}
	isList := listMembers[request.Method] != ""
	describes := request.Method == mcp.MethodServerDiscover || request.Method == protocol.MethodInitialize
	if note == "" && (!f.config.Announce || !isList && !describes) {
		return data, false
	}
	var message jsonrpc.Message
	if message.Parse(data) != nil || !message.IsResponse() || !bytes.Equal(message.ID, request.ID) {
		return data, false
	}
	switch {
	case note != "":
		data = jsonrpc.EditMember(data, "result", func(result []byte) []byte { return withNote(result, note) })
	case describes:
		data = jsonrpc.EditMember(data, "result", announce)
	case message.Result == nil:
		return emptyList(request, message.Error, data)
	}
	return data, false
}

// withNote adds a text to the content of a tool's result, if it has content.
func withNote(result []byte, note string) []byte {
	return jsonrpc.EditMember(result, "content", func(content []byte) []byte {
		blocks, err := jsonrpc.ParseArray(content)
		if err != nil {
			return content
		}
		var block jsonrpc.Builder
		block.AddText("type", "text")
		block.AddText("text", note)
		edited := []byte{'['}
		for _, b := range blocks {
			edited = append(append(edited, b...), ',')
		}
		return append(append(edited, block.Object()...), ']')
	})
}

// announce adds the capabilities that a later build may have.
func announce(result []byte) []byte {
	members, _ := jsonrpc.ParseObject(result)
	capabilities := members.Get("capabilities")
	if capabilities == nil {
		capabilities = []byte("{}")
	}
	for _, name := range []string{"tools", "prompts", "resources"} {
		parts, _ := jsonrpc.ParseObject(capabilities)
		kind := parts.Get(name)
		if kind == nil {
			kind = []byte("{}")
		}
		capabilities = jsonrpc.Set(capabilities, name, jsonrpc.Set(kind, "listChanged", []byte("true")))
	}
	if parts, _ := jsonrpc.ParseObject(capabilities); parts.Get("logging") == nil {
		capabilities = jsonrpc.Set(capabilities, "logging", []byte("{}"))
	}
	return jsonrpc.Set(result, "capabilities", capabilities)
}

// emptyList answers the question for a list that the server does not have.
func emptyList(request *jsonrpc.Message, failure, data []byte) (edited []byte, found bool) {
	if rpcErr, err := jsonrpc.ParseError(failure); err != nil || rpcErr.Code != mcp.CodeMethodNotFound {
		return data, false
	}
	resp := jsonrpc.NewResponse()
	resp.BeginResult(request.ID)
	resp.Body = append(resp.Body, protocol.Complete(request.Method, jsonrpc.NewObject(listMembers[request.Method], []byte("[]")))...)
	resp.EndResult()
	return resp.Whole(), true
}
