package inspector

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// getCurl answers with a message that was sent, as a command that sends it again.
func (i *Inspector) getCurl(w http.ResponseWriter, r *http.Request) error {
	seq, err := strconv.ParseInt(r.URL.Query().Get("seq"), 10, 64)
	if err != nil {
		return refuse(http.StatusBadRequest, "seq is not the number of an event")
	}
	m := i.journal.find(seq)
	switch {
	case m == nil:
		return refuse(http.StatusNotFound, "there is no message %d any more: the last %d events are kept", seq, maxEntries)
	case m.Direction != sent:
		return refuse(http.StatusBadRequest, "message %d was received: choose the request that it answers", seq)
	case m.HTTPMethod == "":
		return refuse(http.StatusBadRequest, "the server is a process, which curl does not reach: use mcpengine rpc")
	case m.Truncated:
		return refuse(http.StatusBadRequest, "message %d is longer than what is kept: use mcpengine rpc", seq)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(m.curl())) // the page has gone
	return nil
}

// curl returns the message as a command for a POSIX shell. Secrets are variables.
func (m *message) curl() string {
	var b strings.Builder
	b.WriteString("curl -sS -N -X " + m.HTTPMethod + " " + quote(m.URL))
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		value := m.Headers[name]
		switch {
		case name == "Content-Length" || name == "Accept-Encoding":
			continue // curl's own
		case name == "Authorization":
			scheme, _, _ := strings.Cut(value, " ")
			b.WriteString(" \\\n  -H " + quote(name+": "+scheme+" ") + `"$TOKEN"`)
		case value == hidden:
			b.WriteString(" \\\n  -H " + quote(name+": ") + `"$` + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + `"`)
		default:
			b.WriteString(" \\\n  -H " + quote(name+": "+value))
		}
	}
	if len(m.Body) > 0 && string(m.Body) != "null" {
		b.WriteString(" \\\n  --data-binary " + quote(string(m.Body)))
	}
	return b.String() + "\n"
}

// quote quotes a word for a shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
