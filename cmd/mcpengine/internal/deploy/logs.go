package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// How [Deployer.Logs] follows a log. An event shows up seconds after it
// happened, and not in order, so each look begins before the end of the last.
const (
	followPause   = 2 * time.Second
	followOverlap = 30 * time.Second
)

// Logs writes what the server has logged since a time, a line for each event.
// With follow it goes on until ctx ends, which is no error then.
func (d *Deployer) Logs(ctx context.Context, name string, since time.Time, follow bool, out *terminal.Writer) error {
	if err := CheckName(name); err != nil {
		return err
	}
	l := &logReader{d: d, name: name, since: since, out: out, seen: map[string]time.Time{}}
	for {
		err := l.read(ctx)
		switch {
		case ctx.Err() != nil && follow:
			return nil
		case isMissing(err):
			return withHint(fmt.Errorf("server %s has no log in region %s", name, d.clients.region),
				"name another region with --region, or deploy it with mcpengine deploy")
		case err != nil || !follow:
			return explain(err, d.clients.region)
		}
		if d.wait(ctx, followPause) != nil {
			return nil
		}
	}
}

// Tail returns the last lines that the server has logged since a time. It returns
// nothing if they cannot be read, because its callers report another error.
func (d *Deployer) Tail(ctx context.Context, name string, since time.Time, lines int) string {
	var text strings.Builder
	if d.Logs(ctx, name, since, false, terminal.New(&text)) != nil {
		return ""
	}
	return lastLines(text.String(), lines)
}

// A logReader writes each event once.
type logReader struct {
	d     *Deployer
	name  string
	since time.Time
	out   *terminal.Writer
	seen  map[string]time.Time // event ids that the next read may return again
}

// read writes the events that are new since the last call.
func (l *logReader) read(ctx context.Context) error {
	latest := l.since
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(logGroupName(l.name)),
		StartTime:    aws.Int64(l.since.UnixMilli()),
	}
	for {
		page, err := l.d.clients.logs.FilterLogEvents(ctx, in)
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", l.name, err)
		}
		for _, event := range page.Events {
			at := time.UnixMilli(aws.ToInt64(event.Timestamp))
			if at.After(latest) {
				latest = at
			}
			id := aws.ToString(event.EventId)
			if _, known := l.seen[id]; known {
				continue
			}
			l.seen[id] = at
			if writeEvent(l.out, at, aws.ToString(event.Message)); l.out.Err() != nil {
				return l.out.Err()
			}
		}
		l.advance(latest)
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return nil
		}
	}
}

// advance moves the start of the next read, and forgets events before it.
func (l *logReader) advance(latest time.Time) {
	if start := latest.Add(-followOverlap); start.After(l.since) {
		l.since = start
	}
	for id, at := range l.seen {
		if at.Before(l.since) {
			delete(l.seen, id)
		}
	}
}

// writeEvent writes an event as lines that a terminal can show. A server may
// log text of its callers.
func writeEvent(out *terminal.Writer, at time.Time, message string) {
	stamp := at.UTC().Format("2006-01-02T15:04:05.000Z")
	for line := range strings.SplitSeq(strings.TrimRight(message, "\r\n"), "\n") {
		out.Printf("%s %s\n", stamp, terminal.Fold(line))
	}
}
