package bridge_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// Something between the bridge and the server gives one bad answer while the
// bridge finds out the server's version. The request is answered all the same,
// and the cache does not keep a version that the server did not report.
func TestOneBadAnswerIsNotRemembered(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 405, 408, 413, 429, 500, 502, 503, 504} {
		for _, hosts := range []string{latest, previous} {
			t.Run(fmt.Sprint(hosts, " ", status), func(t *testing.T) {
				t.Parallel()
				e := newEngine()
				t.Cleanup(e.Close)
				var bad atomic.Bool
				url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					if strings.Contains(string(body), "server/discover") && !bad.Swap(true) {
						http.Error(w, "<html>not now</html>", status)
						return
					}
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					e.ServeHTTP(w, r)
				}))
				cache := newKnowing(peer.Known{})
				h := newHost(t, bridge.Config{URL: url, Peer: peer.Config{Cache: cache}})
				h.begin(hosts)
				if got := h.call(hosts, "1", "weather", `{"city":"Nice"}`); got != "sunny in Nice" {
					t.Errorf("the tool says %q", got)
				}
				if err := h.close(); err != nil {
					t.Error(err)
				}
				if known, ok := cache.Load(""); ok && known.Version != latest {
					t.Errorf("the cache has %s", known.Version)
				}
			})
		}
	}
}
