package client

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// WithOptions combines options, so that a package for an extension can give its
// users one option.
func WithOptions(opts ...Option) Option {
	return func(c *config) {
		for _, o := range opts {
			o(c)
		}
	}
}

// WithExtension declares an extension of the protocol to servers, with its
// settings: anything that encodes as a JSON object, or nil for {}. By default the
// client declares no extension. Whether the server has it is in Extensions of
// [Client.Capabilities].
func WithExtension(id string, settings any) Option {
	return func(c *config) { c.extensions.declare(id, settings) }
}

// Declare is [WithExtension] for one call. In handshake versions a client declares
// its extensions when it connects, so that Declare has no effect there.
func Declare(id string, settings any) CallOption {
	return func(c *callConfig) { c.extensions.declare(id, settings) }
}

// A declaration holds the extensions that are declared, encoded.
type declaration struct {
	settings map[string]jsonValue
	err      error
}

func (d *declaration) declare(id string, settings any) {
	encoded := []byte("{}")
	if settings != nil {
		var err error
		if encoded, err = stdjson.Marshal(settings); err == nil && !jsonrpc.IsObject(encoded) {
			err = errors.New("not a JSON object")
		}
		if err != nil {
			d.err = errors.Join(d.err, fmt.Errorf("encode the settings of the extension %s: %w", id, err))
			return
		}
	}
	if d.settings == nil {
		d.settings = make(map[string]jsonValue)
	}
	d.settings[id] = encoded
}

// declared returns the client's capabilities with what a call declares besides.
func (c *Client) declared(more declaration) ([]byte, error) {
	capabilities := c.config.capabilities()
	capabilities.Extensions = maps.Clone(capabilities.Extensions)
	if capabilities.Extensions == nil {
		capabilities.Extensions = make(map[string]jsonValue)
	}
	maps.Copy(capabilities.Extensions, more.settings)
	encoded, err := json.Marshal(capabilities)
	if err != nil {
		return nil, fmt.Errorf("encode the client's capabilities: %w", err)
	}
	return encoded, more.err
}

// WithNotificationHandler handles the notifications of a method that an extension
// defines, whichever request they belong to. On a shared connection, such as a
// command's, the next messages wait until it returns. The parameters have "_meta",
// where a notification of a subscription or of a lasting request names it. By
// default such notifications are dropped.
func WithNotificationHandler(method string, handle func(params stdjson.RawMessage)) Option {
	return func(c *config) {
		if c.notifications == nil {
			c.notifications = make(map[string]func(stdjson.RawMessage))
		}
		c.notifications[method] = handle
	}
}

// WithNotifications gets the notifications that belong to one call and that an
// extension defines, in order and before the call returns. They do not reach the
// handlers of [WithNotificationHandler] then.
func WithNotifications(handle func(method string, params stdjson.RawMessage)) CallOption {
	return func(c *callConfig) { c.notifications = handle }
}

// extended hands a notification of an extension to its handler.
func (c *Client) extended(n jsonrpc.Notification) {
	if handle := c.config.notifications[n.Method]; handle != nil {
		handle(slices.Clone(n.Params))
	}
}

// WithMirror sets the header field Mcp-Name of a request that [Do] sends, for a
// method whose extension says which parameter clients mirror there. Other
// transports and handshake versions do not have the field.
func WithMirror(value string) CallOption {
	return func(c *callConfig) { c.mirrored = value }
}

// Idempotent says that the server may get the request of [Do] twice: it is sent
// again when the session it belonged to is lost.
func Idempotent() CallOption {
	return func(c *callConfig) { c.idempotent = true }
}

// Lasting says that the request of [Do] stays open, so that the IdleTimeout of
// [Limits] does not end it.
func Lasting() CallOption {
	return func(c *callConfig) { c.lasting = true }
}

// Do sends a request of any method, such as one that an extension defines, and
// decodes its result as [encoding/json] does. The parameters are anything that encodes as a
// JSON object, or nil for none. A result of any type is returned, except that the
// questions of "input_required" are answered first.
func Do[Out any](ctx context.Context, c *Client, method string, params any, opts ...CallOption) (Out, error) {
	var out Out
	encoded := []byte("{}")
	if params != nil {
		var err error
		if encoded, err = json.Marshal(params, asEncodingJSON); err == nil && !jsonrpc.IsObject(encoded) {
			err = errors.New("not a JSON object")
		}
		if err != nil {
			return out, fmt.Errorf("encode the parameters of %s: %w", method, err)
		}
	}
	r := newRequest(method, encoded, opts)
	if method == mcp.MethodToolsCall {
		var err error
		if r.mirror, err = c.mirrorOf(ctx, encoded); err != nil {
			return out, err
		}
	}
	raw, _, err := c.do(ctx, r)
	if err != nil {
		return out, err
	}
	if err := stdjson.Unmarshal(raw, &out); err != nil {
		return out, protocolErrorf("decode the result of %s: %w", method, err)
	}
	return out, nil
}

// A Follow turns a result of tools/call whose type an extension defines into the
// result of the tool, for example by asking until there is one. It runs within
// the call.
type Follow func(ctx context.Context, f Followed) (result stdjson.RawMessage, err error)

// A Followed is what a [Follow] starts from.
type Followed struct {
	Client *Client

	// Result is the result of tools/call.
	Result stdjson.RawMessage

	// Options declare what the call has declared. Give them to the requests that
	// follow.
	Options []CallOption
}

// WithResultType registers how results of tools/call of a type are followed, such
// as "task". A result of a type that is not registered is an error of the call.
func WithResultType(resultType string, follow Follow) Option {
	return func(c *config) {
		if c.follows == nil {
			c.follows = make(map[string]Follow)
		}
		c.follows[resultType] = follow
	}
}

// follow follows a result of tools/call.
func (c *Client) follow(ctx context.Context, r *request, kind string, raw []byte) ([]byte, error) {
	f := Followed{Client: c, Result: raw}
	if r.extensions.settings != nil {
		declared := r.extensions
		f.Options = []CallOption{func(c *callConfig) { c.extensions = declared }}
	}
	result, err := c.config.follows[kind](ctx, f)
	if err == nil && !jsonrpc.IsObject(result) {
		err = fmt.Errorf("the result of the type %.64q was followed to something that is not an object", kind)
	}
	return result, err
}

// Answer answers the input requests of a server, an object of them by name, as it
// does for a result of the type "input_required". It returns the responses by
// name.
func (c *Client) Answer(ctx context.Context, inputRequests stdjson.RawMessage) (inputResponses stdjson.RawMessage, err error) {
	return c.answerAll(ctx, inputRequests)
}

// WithListenField adds a field of an extension to the filter of [Client.Listen].
// Its value is anything that encodes as JSON. Handshake versions do not have it.
func WithListenField(name string, value any) CallOption {
	return func(c *callConfig) {
		encoded, err := stdjson.Marshal(value)
		if err != nil {
			c.extensions.err = errors.Join(c.extensions.err, fmt.Errorf("encode the field %s: %w", name, err))
			return
		}
		c.fields = append(c.fields, jsonrpc.Member{Name: []byte(name), Value: encoded})
	}
}

// resultType returns the type of a result that the client acts on, and its
// members. Nearly all results are complete, and are not parsed here.
func (c *Client) resultType(method string, raw []byte) (string, jsonrpc.Object) {
	acts := bytes.Contains(raw, []byte("input_required"))
	if method == mcp.MethodToolsCall && !acts {
		for kind := range c.config.follows {
			acts = acts || bytes.Contains(raw, []byte(`"`+kind+`"`))
		}
	}
	if !acts {
		return "", nil
	}
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return "", nil
	}
	return jsonrpc.Text(members.Get("resultType")), members
}

// listenCall returns the request of a subscription.
func (c *Client) listenCall(filter mcp.SubscriptionFilter, r *callConfig) (peer.Call, error) {
	call := peer.Call{Method: mcp.MethodSubscriptionsListen}
	encoded, err := json.Marshal(filter)
	if err != nil {
		return call, fmt.Errorf("encode the filter: %w", err)
	}
	for _, f := range r.fields {
		encoded = jsonrpc.Set(encoded, string(f.Name), f.Value)
	}
	call.Params = jsonrpc.NewObject("notifications", encoded)
	return call, c.addMeta(&call, r)
}
