package mcpengine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// What a tool mirrors into header fields must be the same there and in the
// arguments (streamable-http, "Server Behavior for Custom Headers").
func TestParamHeaders(t *testing.T) {
	t.Parallel()
	type place struct {
		Zone string `json:"zone,omitempty" header:"Zone"`
	}
	type query struct {
		Region string `json:"region,omitempty" header:"Region"`
		Place  *place `json:"place,omitempty"`
	}
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "weather", "", func(context.Context, query) (string, error) { return "sunny", nil })
	type fields = map[string]string
	tests := []struct {
		name, arguments string
		fields          fields
		want            int
	}{
		{"the same", `{"region":"us"}`, fields{"Region": "us"}, http.StatusOK},
		{"the same inside", `{"region":"us","place":{"zone":"a"}}`, fields{"Region": "us", "Zone": "a"}, http.StatusOK},
		{"neither", `{}`, fields{}, http.StatusOK},
		{"no argument, which has a default", `{"place":{}}`, fields{}, http.StatusOK},
		{"null", `{"place":null}`, fields{}, http.StatusOK},
		{"fields of no tool", `{}`, fields{"Other": "x"}, http.StatusOK},
		{"another one", `{"region":"us"}`, fields{"Region": "eu"}, http.StatusBadRequest},
		{"no field", `{"region":"us"}`, fields{}, http.StatusBadRequest},
		{"no argument", `{}`, fields{"Region": "eu"}, http.StatusBadRequest},
		{"another one inside", `{"place":{"zone":"a"}}`, fields{"Zone": "b"}, http.StatusBadRequest},
		{"no field inside", `{"place":{"zone":"a"}}`, fields{}, http.StatusBadRequest},
		{"nothing inside", `{"place":null}`, fields{"Zone": "a"}, http.StatusBadRequest},
		{"what is no object", `{"place":7}`, fields{"Zone": "a"}, http.StatusBadRequest},
	}
	for _, test := range tests {
		r := newRequest(t.Context(), "http://server.example/mcp", message("tools/call", fmt.Sprintf(`"name":"weather","arguments":%s`, test.arguments)))
		for name, value := range test.fields {
			r.Header.Set("Mcp-Param-"+name, value)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if refused := strings.Contains(w.Body.String(), `"code":-32020`); w.Code != test.want || refused != (test.want != http.StatusOK) {
			t.Errorf("%s: status = %d, body %s, want %d", test.name, w.Code, w.Body, test.want)
		}
	}
}

// An argument may be mirrored and have a default; what is left out is not
// mirrored, and the handler sees the default.
func TestParamHeaderWithDefault(t *testing.T) {
	t.Parallel()
	type query struct {
		Region string `json:"region" header:"Region" default:"eu"`
	}
	e := mcpengine.New("test")
	if refused := panicOf(func() {
		mcpengine.AddTool(e, "weather", "", func(_ context.Context, in query) (string, error) { return "sunny in " + in.Region, nil })
	}); refused != "no panic" {
		t.Fatal(refused)
	}
	if got := post(t, e, call("weather")).response(); !strings.Contains(got, "sunny in eu") {
		t.Errorf("response = %s", got)
	}
}
