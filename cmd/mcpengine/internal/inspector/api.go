package inspector

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// routes serves the API of the page.
func (i *Inspector) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/state":        i.getState,
		"GET /api/features":     i.getFeatures,
		"GET /api/events":       i.getEvents,
		"POST /api/request":     i.postRequest,
		"POST /api/answer":      i.postAnswer,
		"POST /api/complete":    i.postComplete,
		"POST /api/subscribe":   i.postSubscribe,
		"POST /api/unsubscribe": i.postUnsubscribe,
		"POST /api/version":     i.postVersion,
		"POST /api/identity":    i.postIdentity,
		"POST /api/reconnect":   i.postReconnect,
		"GET /api/curl":         i.getCurl,
		"POST /api/record":      i.postRecord,
		"GET /api/record":       i.getRecord,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				writeError(w, err)
			}
		})
	}
	return mux
}

// types are the media types of the files of the page.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
}

// files serves the files of the page, which hold nothing of the server.
func (i *Inspector) files() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeError(w, refuse(http.StatusMethodNotAllowed, "files are only read"))
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		text, err := fs.ReadFile(pageFiles, "page/"+name)
		kind := types[path.Ext(name)]
		if err != nil || kind == "" {
			writeError(w, refuse(http.StatusNotFound, "the page has no file %q", name))
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text) // the page has gone
	})
}
