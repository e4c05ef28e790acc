package bridge

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// This file relays what extensions define and the bridge does not know.

// unknownIdle is how long the server may be silent during a request of a method
// that is not known: it may be one that stays open.
const unknownIdle = 24 * time.Hour

// maxGuesses bounds the parameters that are tried as the value of Mcp-Name.
const maxGuesses = 8

func isUnknown(method string) bool { return protocol.MethodOf(method).Name == "" }

// isHeaderMismatch reports whether the server has refused a request because of its
// header fields. It has not acted on it.
func isHeaderMismatch(err error) bool {
	rpcErr, ok := errors.AsType[*jsonrpc.Error](err)
	return ok && rpcErr.Code == mcp.CodeHeaderMismatch
}

// guessName sends a request again whose server demands the header field Mcp-Name.
// Which parameter is mirrored there, only the extension says: each one that is a
// string is tried, and the parameter that the server accepts is remembered.
func (x *exchange) guessName(ctx context.Context, call peer.Call, refused error) ([]byte, error) {
	members, err := jsonrpc.ParseObject(call.Params)
	if err != nil {
		return nil, refused
	}
	guesses := 0
	for _, m := range members {
		if !jsonrpc.IsString(m.Value) || guesses == maxGuesses {
			continue
		}
		guesses++
		call.Name = jsonrpc.UnquoteString(m.Value)
		result, err := x.server.call(ctx, x.introduction(), call)
		if !isHeaderMismatch(err) {
			x.mirrored.Store(call.Method, string(m.Name))
			return result, err
		}
	}
	return nil, refused
}

// nameOf returns the value of Mcp-Name for a method whose mirrored parameter is
// remembered.
func (x *exchange) nameOf(method string) string {
	param, ok := x.mirrored.Load(method)
	if !ok {
		return ""
	}
	return jsonrpc.Text(x.req.Params.Get(param.(string)))
}

// named returns parameters or a result with the id that the host has given its
// request, where they name a subscription or a lasting request.
func (x *exchange) named(object []byte) []byte {
	if x.req.Method == mcp.MethodSubscriptionsListen || !bytes.Contains(object, []byte(mcp.MetaSubscriptionID)) {
		return object
	}
	return x.own(object)
}

// keepType gives a result, which was made one of the host's version, the type that
// it has if an extension defines that type: only a host that knows the extension
// gets such a result.
func keepType(result, shaped []byte) []byte {
	if !bytes.Contains(result, []byte(`"resultType"`)) {
		return shaped
	}
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return shaped
	}
	kind := members.Get("resultType")
	if kind == nil || jsonrpc.EqualString(kind, string(mcp.ResultTypeComplete)) || jsonrpc.EqualString(kind, string(mcp.ResultTypeInputRequired)) {
		return shaped
	}
	return jsonrpc.Set(shaped, "resultType", kind)
}

// needsExtension reports whether the data of an error names an extension that the
// host has to declare.
func needsExtension(data []byte) bool {
	members, _ := jsonrpc.ParseObject(data)
	required, _ := jsonrpc.ParseObject(members.Get("requiredCapabilities"))
	return required.Get("extensions") != nil
}
