package mcpengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// A ListenHandler serves a field of the filter of subscriptions/listen. Both
// functions are required.
type ListenHandler[T any] struct {
	// Accept returns the part of the filter that is honoured, which is
	// acknowledged, and the keys of the changes that concern it, for
	// [Engine.Changed]. It leaves out what does not exist or what the caller may
	// not see; an error that tells these apart would betray it. When the part is
	// the zero T or an empty list, the field is not acknowledged. An error is for
	// a filter that makes no sense; it ends the request.
	Accept func(ctx context.Context, asked T) (honoured T, keys []string, err error)

	// Notify returns the notification for a change of a key: its method, which is
	// one of [Extension.Notifications], and its parameters, which encode as a JSON
	// object. It is called when the notification is about to be sent, so that it
	// can ask for the present state, and ask once more whether the caller may see
	// it. When it returns false, nothing is sent.
	Notify func(ctx context.Context, key string) (method string, params any, ok bool)
}

// A ListenField is a field of the filter of subscriptions/listen as a value, made
// by [NewListenField].
type ListenField struct{ spec *listenSpec }

type listenSpec struct {
	name   string
	of     reflect.Type
	accept func(ctx context.Context, asked []byte) (honoured []byte, keys []string, err error)
	notify func(ctx context.Context, key string) (method string, params any, ok bool)
}

// NewListenField makes a field of the filter of subscriptions/listen, such as
// "noteIds", to be put into [Extension.Listen]. The client's value is validated
// against the schema inferred from T.
func NewListenField[T any](name string, h ListenHandler[T]) ListenField {
	s := &listenSpec{name: name, of: reflect.TypeFor[T](), notify: h.Notify}
	if h.Accept != nil {
		s.accept = func(ctx context.Context, raw []byte) ([]byte, []string, error) {
			var asked T
			if err := decodeParams(raw, &asked); err != nil {
				return nil, nil, err
			}
			honoured, keys, err := h.Accept(ctx, asked)
			if v := reflect.ValueOf(&honoured).Elem(); err != nil || v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
				return nil, keys, err
			}
			encoded, err := encode(honoured)
			return encoded, keys, err
		}
	}
	return ListenField{s}
}

// A listenField is a registered field.
type listenField struct {
	*listenSpec
	extension *extension
	input     *schema.Schema
}

// bind finds every fault of a field.
func (f ListenField) bind(e *Engine, x *extension) (*listenField, error) {
	s := f.spec
	if s == nil {
		return nil, errors.New("the zero ListenField cannot be added")
	}
	if s.accept == nil || s.notify == nil {
		return nil, fmt.Errorf("listen field %.128q: Accept and Notify are required", s.name)
	}
	if !isWord(s.name, "_") || len(s.name) > maxName {
		return nil, fmt.Errorf("listen field %.128q: a name has letters, digits and underscores", s.name)
	}
	if isCoreField(s.name) {
		return nil, fmt.Errorf("listen field %.128q: it is taken by the protocol itself", s.name)
	}
	input, err := e.schemaOf(s.of, forParams)
	if err != nil {
		return nil, fmt.Errorf("listen field %.128q: %w", s.name, err)
	}
	return &listenField{s, x, input}, nil
}

// isCoreField reports whether the protocol itself has a field in the filter.
func isCoreField(name string) bool {
	for f := range reflect.TypeFor[mcp.SubscriptionFilter]().Fields() {
		if own, _, _ := strings.Cut(f.Tag.Get("json"), ","); own == name {
			return true
		}
	}
	return false
}

// A changeKey is what a change of an extension concerns.
type changeKey struct{ field, key string }

// Changed notes a change for the subscriptions whose field honours the key, on
// every replica of the server: the Notify of the field is then called for each of
// them. Changes that a client has not been told of yet count as one.
func (e *Engine) Changed(field, key string) {
	e.subscriptions.changedKey(changeKey{field, key})
	if e.replicas != nil {
		e.replicas.Changed(extensionEntry + field + "\x00" + key)
	}
}

// acceptFields asks the extensions which of their fields in the filter they
// honour, and adds them to the acknowledgement.
func (r *Request) acceptFields(ctx context.Context, acknowledged []byte) ([]byte, []changeKey, error) {
	var keys []changeKey
	for _, m := range r.target.filter.members {
		f := r.catalog.fields[string(m.Name)]
		if f == nil || f.extension.settings[r.version] == nil || string(m.Value) == "null" {
			continue
		}
		if err := r.requireExtension(f.extension.id); err != nil {
			return nil, nil, err
		}
		honoured, accepted, err := f.ask(ctx, m.Value)
		if err != nil {
			return nil, nil, err
		}
		if honoured != nil {
			acknowledged = jsonrpc.Set(acknowledged, f.name, honoured)
		}
		for _, key := range accepted {
			keys = append(keys, changeKey{f.name, key})
		}
		if len(keys) > maxSubscriptionKeys {
			return nil, nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.notifications asks for more than %d things", maxSubscriptionKeys)
		}
	}
	return acknowledged, keys, nil
}

// ask validates the client's value and asks Accept.
func (f *listenField) ask(ctx context.Context, raw []byte) (honoured []byte, keys []string, err error) {
	if err := f.input.Validate(ctx, raw); err != nil {
		return nil, nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.notifications.%s: %v", f.name, err)
	}
	honoured, keys, err = f.accept(ctx, raw)
	if err != nil {
		return nil, nil, fmt.Errorf("accept the field %s: %w", f.name, err)
	}
	return honoured, keys, nil
}

// notifyKey sends the notification for a change of an extension.
func (r *Request) notifyKey(k changeKey) {
	f := r.catalog.fields[k.field]
	method, params, ok := f.notify(&r.ctx, k.key)
	if !ok {
		return
	}
	if err := r.notifyExtension(f.extension, method, params, true); err != nil {
		r.engine.logger.ErrorContext(r.ctx.Context, "notify a subscription", requestAttrs(r, "field", k.field, "error", err)...)
	}
}

// notifyExtension sends a notification of an extension. It names the subscription,
// which is the request, if the client has to tell several apart.
func (r *Request) notifyExtension(x *extension, method string, params any, subscription bool) error {
	if x == nil || r.catalog.notifications[method] != x {
		return fmt.Errorf("mcpengine: %.128q is not in Extension.Notifications of the extension", method)
	}
	encoded := []byte("{}")
	if params != nil {
		var err error
		if encoded, err = encode(params); err != nil {
			return fmt.Errorf("mcpengine: encode the parameters of %s: %w", method, err)
		}
	}
	if !jsonrpc.IsObject(encoded) {
		return fmt.Errorf("mcpengine: the parameters of %s must encode as a JSON object", method)
	}
	if subscription {
		encoded = jsonrpc.SetMeta(encoded, mcp.MetaSubscriptionID, json.RawMessage(r.wire.ID))
	}
	r.send(jsonrpc.Notification{Method: method, Params: encoded})
	return nil
}
