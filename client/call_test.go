package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A trip is tagged as servers do it, and a plainTrip as clients may.
type (
	trip struct {
		City  string   `json:"city"`
		Days  int      `json:"days"`
		Stops []string `json:"stops"`
	}
	plainTrip struct {
		City  string
		Days  int
		Stops []string
	}
)

// Call decodes and encodes like encoding/json, in every version.
func TestCallAsEncodingJSON(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "trip", "", func(_ context.Context, in trip) (trip, error) { return in, nil })
	mcpengine.AddTool(e, "days", "", func(_ context.Context, in trip) (int, error) { return in.Days, nil })
	mcpengine.AddTool(e, "trips", "", func(_ context.Context, in trip) ([]trip, error) { return []trip{in}, nil })
	mcpengine.AddTool(e, "wait", "", func(_ context.Context, in struct{ For int64 }) (int64, error) { return in.For, nil })
	mcpengine.AddTool(e, "result", "", func(context.Context, struct{}) (map[string]int, error) { return map[string]int{"result": 1}, nil })
	for _, version := range []string{"2026-07-28", "2025-11-25", "2025-03-26"} {
		c := mcptest.New(e, client.WithProtocolVersion(version))
		defer c.Close()
		want := plainTrip{City: "Oslo", Days: 3, Stops: []string{}}
		check := func(name string, got any, err error, want any) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s %s: %v (-want +got):\n%s", version, name, err, diff)
			}
		}
		plain, err := client.Call[plainTrip](t.Context(), c, "trip", trip{City: "Oslo", Days: 3})
		check("a struct without tags", plain, err, want)
		days, err := client.Call[int](t.Context(), c, "days", trip{City: "Oslo", Days: 3})
		check("a number", days, err, 3)
		trips, err := client.Call[[]plainTrip](t.Context(), c, "trips", trip{City: "Oslo", Days: 3})
		check("a list", trips, err, []plainTrip{want})
		wait, err := client.Call[time.Duration](t.Context(), c, "wait", struct{ For time.Duration }{time.Second})
		check("a duration", wait, err, time.Second)
		result, err := client.Call[struct{ Result int }](t.Context(), c, "result", nil)
		check("a member result", result, err, struct{ Result int }{1})
		raw, err := client.Call[map[string]json.RawMessage](t.Context(), c, "result", nil)
		check("a map", raw, err, map[string]json.RawMessage{"result": json.RawMessage("1")})
	}
}

func TestWithHeader(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	var seen [][]string
	c := mcptest.New(recordHeader(e, &seen), client.WithHeader("X-A", "old"), client.WithHeader("x-a", "new"), client.WithHeader("X-B", "b"))
	defer c.Close()
	if len(seen) == 0 {
		t.Fatal("nothing was sent")
	}
	for _, got := range seen {
		if diff := cmp.Diff([]string{"new", "b"}, got); diff != "" {
			t.Errorf("X-A and X-B (-want +got):\n%s", diff)
		}
	}
}

func recordHeader(h http.Handler, seen *[][]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, append(r.Header["X-A"], r.Header["X-B"]...))
		h.ServeHTTP(w, r)
	})
}
