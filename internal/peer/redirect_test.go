package peer_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A redirect within the origin that keeps the method is followed with the same
// message, which the server handles once.
func TestRedirect(t *testing.T) {
	t.Parallel()
	e := newEngine()
	t.Cleanup(e.Close)
	mux := http.NewServeMux()
	mux.Handle("/new", e)
	mux.HandleFunc("/old", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/new", http.StatusPermanentRedirect)
	})
	url := serve(t, mux)
	for _, version := range protocol.Names(nil) {
		c, err := peer.Dial(t.Context(), url+"/old", peer.Config{Versions: []string{version}})
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		result, err := c.Call(t.Context(), callTool("weather", `{"city":"Berlin"}`))
		if err != nil || text(t, result) != "sunny in Berlin" {
			t.Errorf("%s: got %s (%v)", version, result, err)
		}
		c.Close()
	}
}

// The credentials of a URL are sent.
func TestUserInURL(t *testing.T) {
	t.Parallel()
	e := newEngine()
	t.Cleanup(e.Close)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "ann" || password != "secret" {
			t.Errorf("got the credentials %q and %q", name, password)
		}
		e.ServeHTTP(w, r)
	}))
	c, err := peer.Dial(t.Context(), "http://ann:secret@"+url[len("http://"):], peer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
