package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// A column is one action of a host through the bridge.
type column struct {
	name string
	try  func(context.Context, *rawHost, *tap) error
}

func columns() []column {
	return []column{
		{"list", tryList},
		{"call", tryCall},
		{"progress", tryProgress},
		{"elicitation form", tryForm},
		{"elicitation URL", tryURL},
		{"cancel", tryCancel},
		{"pagination", tryPagination},
		{"mirrored arguments", tryMirror},
		{"resource updates", tryUpdates},
	}
}

// A page is a result of tools/list.
type page struct {
	Tools      []struct{ Name string }
	NextCursor string
}

func (h *rawHost) list(ctx context.Context, cursor string) (p page, err error) {
	params := map[string]any{}
	if cursor != "" {
		params["cursor"] = cursor
	}
	result, err := h.request(ctx, "tools/list", params, nil)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(result, &p)
}

func tryList(ctx context.Context, h *rawHost, _ *tap) error {
	p, err := h.list(ctx, "")
	if err == nil && len(p.Tools) == 0 {
		err = errors.New("no tools")
	}
	return err
}

// same returns an error unless got equals want.
func same(want, got any) error {
	if d := cmp.Diff(want, got); d != "" {
		return fmt.Errorf("(-want +got):\n%s", d)
	}
	return nil
}

// says calls a tool and checks the text of its result.
func (h *rawHost) says(ctx context.Context, tool string, arguments, meta map[string]any, want string) error {
	got, err := h.call(ctx, tool, arguments, meta)
	if err != nil {
		return err
	}
	return same(want, got)
}

func tryCall(ctx context.Context, h *rawHost, _ *tap) error {
	return h.says(ctx, "greet", map[string]any{"name": "Ada"}, nil, "Hello, Ada!")
}

func tryProgress(ctx context.Context, h *rawHost, _ *tap) error {
	if err := h.says(ctx, "climb", map[string]any{}, map[string]any{"progressToken": "ascent"}, "summit"); err != nil {
		return err
	}
	var steps []string
	for _, m := range h.kept { // all of it has come before the result
		var p struct {
			ProgressToken   string
			Progress, Total float64
		}
		if err := json.Unmarshal(m.Params, &p); err != nil {
			return err
		}
		steps = append(steps, fmt.Sprint(m.Method, " ", p.ProgressToken, " ", p.Progress, "/", p.Total))
	}
	const step = "notifications/progress ascent "
	return same([]string{step + "1/3", step + "2/3", step + "3/3"}, steps)
}

func tryForm(ctx context.Context, h *rawHost, _ *tap) error {
	if err := h.says(ctx, "sign_up", map[string]any{}, nil, "signed up ada"); err != nil {
		return err
	}
	return same([]string{"Your GitHub user name?"}, h.asked)
}

func tryURL(ctx context.Context, h *rawHost, _ *tap) error {
	if err := h.says(ctx, "sign_in", map[string]any{}, nil, "signed in"); err != nil {
		return err
	}
	return same([]string{"Please sign in. https://login.example/start"}, h.asked)
}

// tryCancel checks that a cancellation reaches the tool, and that the host gets
// no response. In 2026-07-28 the bridge cancels by closing the request's stream
// (2026-07-28, streamable-http, "Cancellation"), and otherwise by a
// notification.
func tryCancel(ctx context.Context, h *rawHost, tap *tap) error {
	id, err := h.send("tools/call", map[string]any{"name": "wait", "arguments": map[string]any{}}, map[string]any{"progressToken": "w"})
	if err != nil {
		return err
	}
	if _, err := h.notification(ctx, "notifications/progress"); err != nil {
		return err
	}
	if err := h.cancel(id); err != nil {
		return err
	}
	if err := h.says(ctx, "wait_cancelled", map[string]any{}, nil, "cancelled"); err != nil {
		return err
	}
	posted := slices.ContainsFunc(tap.requests(), func(r tapped) bool { return r.method == "notifications/cancelled" })
	if stateless := tap.version() == wire.Version; posted == stateless {
		return fmt.Errorf("a notification says the cancellation: %t, to a server of %s", posted, tap.version())
	}
	return nil
}

func tryPagination(ctx context.Context, h *rawHost, _ *tap) error {
	var names []string
	pages, cursor := 0, ""
	for pages == 0 || cursor != "" {
		p, err := h.list(ctx, cursor)
		if err != nil {
			return err
		}
		for _, tool := range p.Tools {
			names = append(names, tool.Name)
		}
		pages, cursor = pages+1, p.NextCursor
	}
	if pages < 2 {
		return fmt.Errorf("%d page", pages)
	}
	slices.Sort(names)
	want := append(slices.Clone(allTools), "forecast")
	slices.Sort(want)
	return same(want, names)
}

// tryMirror calls a tool before the host has listed the tools, so that the
// bridge has to find out which arguments go into header fields. The argument's
// text has to be encoded for a header field.
func tryMirror(ctx context.Context, h *rawHost, tap *tap) error {
	if err := h.says(ctx, "forecast", map[string]any{"region": "Île"}, nil, "rain in Île"); err != nil {
		return err
	}
	want := ""
	if tap.version() == wire.Version {
		want = "=?base64?w45sZQ==?=" // streamable-http, "Value Encoding"
	}
	for _, r := range tap.requests() {
		if r.method == "tools/call" && r.tool == "forecast" && r.region == want {
			return nil
		}
	}
	return fmt.Errorf("the server has not received the header %q: %+v", want, tap.requests())
}

func tryUpdates(ctx context.Context, h *rawHost, _ *tap) error {
	const uri = "note://welcome"
	if h.version == wire.Version {
		params := map[string]any{"notifications": map[string]any{"resourceSubscriptions": []string{uri}}}
		id, err := h.send("subscriptions/listen", params, nil)
		if err != nil {
			return err
		}
		// A response before the acknowledgement is a refusal.
		m, err := h.wait(ctx, func(m wire.Message) bool {
			return string(m.ID) == id || m.Method == "notifications/subscriptions/acknowledged"
		})
		if err != nil {
			return err
		}
		if m.Error != nil {
			return fmt.Errorf("subscriptions/listen: error %d: %s", m.Error.Code, m.Error.Message)
		}
	} else if _, err := h.request(ctx, "resources/subscribe", map[string]any{"uri": uri}, nil); err != nil {
		return err
	}
	if err := h.says(ctx, "touch", map[string]any{}, nil, "touched"); err != nil {
		return err
	}
	m, err := h.notification(ctx, "notifications/resources/updated")
	if err != nil {
		return err
	}
	var updated struct{ URI string }
	if err := json.Unmarshal(m.Params, &updated); err != nil {
		return err
	}
	return same(uri, updated.URI)
}
