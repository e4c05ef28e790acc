package doctor

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// overtakes is how many plain answers, to requests that were sent after a stream was
// opened, have to arrive before its first event counts as held back.
const overtakes = 20

// An opening is the beginning of a stream.
type opening struct {
	header http.Header
	event  bool // the first event has arrived
	err    error
}

// stream opens a subscription, whose first event the server writes at once, and
// measures its way beside the way of plain answers: what makes this machine or the
// server slow makes both slow, and what buffers streams alone holds back the event.
func (x *exam) stream(ctx context.Context, discovered *self) {
	if discovered == nil {
		return // nothing is known to be written at once
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin, begun := time.Now(), make(chan opening, 1)
	go func() { begun <- x.subscribe(ctx) }()
	pace := time.NewTicker(max(x.Patience/overtakes, time.Nanosecond))
	defer pace.Stop()
	plain, slowest := 0, time.Duration(0)
	for {
		select {
		case o := <-begun:
			x.opened(o, time.Since(begin), slowest)
			return
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		if plain >= overtakes && time.Since(begin) >= x.Patience {
			x.fail("stream.buffered", "%d requests that were sent after a stream was opened are answered, in %s at most each, and its first event has not arrived", plain, slowest.Round(time.Millisecond))
			return
		}
		sent := time.Now()
		if _, err := x.ask(ctx, discover()); err == nil {
			plain++
			slowest = max(slowest, time.Since(sent))
		} else if time.Since(begin) > 2*x.Timeout {
			return
		}
	}
}

// subscribe opens the stream and reads its first event.
func (x *exam) subscribe(ctx context.Context) opening {
	q := request{version: stateless(), method: mcp.MethodSubscriptionsListen, params: `"notifications":{}`, fresh: true, edit: func(h http.Header) {
		h.Set("Accept-Encoding", "gzip")
	}}
	r, err := x.http(ctx, q)
	if err != nil {
		return opening{err: err}
	}
	resp, err := x.send.RoundTrip(r)
	if err != nil {
		return opening{err: plain(err)}
	}
	defer resp.Body.Close()
	o := opening{header: resp.Header}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return o
	}
	body, err := plainBody(resp)
	if err != nil {
		o.err = err
		return o
	}
	_, o.err = sse.NewReader(body, maxAnswer).Next()
	o.event = o.err == nil
	return o
}

// opened judges a stream that has begun.
func (x *exam) opened(o opening, took, slowest time.Duration) {
	if o.header == nil || !strings.HasPrefix(o.header.Get("Content-Type"), "text/event-stream") {
		return // there are no subscriptions
	}
	if encoding := o.header.Get("Content-Encoding"); encoding != "" {
		x.warn("stream.compressed", "event streams are compressed (%s), which often holds events back", encoding)
	} else {
		x.ok("stream.compressed", "event streams are not compressed")
	}
	switch {
	case o.event:
		x.ok("stream.buffered", "the first event of a stream arrived after %s", took.Round(time.Millisecond))
	default:
		x.add("stream.buffered", Failure, "Raise the time that the proxy lets a stream be open, and look into the log of the server.", "a stream breaks off before its first event: %s", reason(o.err))
	}
}
