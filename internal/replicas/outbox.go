package replicas

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// keepTime is how long a message is kept for replicas that were not
	// connected when it was sent. No question waits longer for its answer.
	keepTime = 5 * time.Minute

	// maxKept and maxKeptBytes bound the messages that are kept. Beyond them the
	// oldest message of the caller with most goes first.
	maxKept      = 4096
	maxKeptBytes = 16 << 20

	// messageCost is added to the size of each message, so that many small ones
	// count as much as a large one.
	messageCost = maxKeptBytes / maxKept

	// retryTime is how long the outbox waits after an attempt, so that neither
	// a bus that is lost nor a replica that connects again and again makes it
	// busy.
	retryTime = 250 * time.Millisecond
)

// An outbox has the messages that must not be lost. A message that was sent is
// kept too, because a replica that was not connected at that moment gets it when
// it says hello.
type outbox struct {
	wake chan struct{} // has room for one value

	mu    sync.Mutex
	kept  []*keptMessage
	sizes map[string]int // by owner
	size  int
	hello bool // the others must be told that this replica has connected
}

type keptMessage struct {
	owner  string
	kind   Kind
	fields [][]byte
	until  time.Time
	unsent bool
}

func (m *keptMessage) size() int {
	size := messageCost
	for _, f := range m.fields {
		size += len(f)
	}
	return size
}

// Post publishes a message on behalf of a caller, whose share of the outbox it
// counts to. A replica that is not connected gets the message when it connects
// again within 5 minutes, so that receivers may get a message twice.
func (l *Link) Post(ctx context.Context, owner string, k Kind, fields ...[]byte) {
	m := &keptMessage{owner: owner, kind: k, until: time.Now().Add(keepTime)}
	for _, f := range fields {
		m.fields = append(m.fields, bytes.Clone(f))
	}
	m.unsent = l.Send(ctx, k, fields...) != nil
	l.outbox.add(m)
}

func (o *outbox) add(m *keptMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(time.Now())
	o.kept = append(o.kept, m)
	o.grow(m, m.size())
	for o.size > maxKeptBytes && len(o.kept) > 1 {
		o.makeRoom()
	}
	if m.unsent {
		wake(o.wake)
	}
}

func (o *outbox) grow(m *keptMessage, n int) {
	if o.sizes == nil {
		o.sizes = make(map[string]int)
	}
	o.size += n
	if o.sizes[m.owner] += n; o.sizes[m.owner] == 0 {
		delete(o.sizes, m.owner)
	}
}

func (o *outbox) makeRoom() {
	most := ""
	for owner, size := range o.sizes {
		if size > o.sizes[most] {
			most = owner
		}
	}
	i := slices.IndexFunc(o.kept, func(m *keptMessage) bool { return m.owner == most })
	o.grow(o.kept[i], -o.kept[i].size())
	o.kept = slices.Delete(o.kept, i, i+1)
}

// expire drops the messages that nobody can need any more.
func (o *outbox) expire(now time.Time) {
	n := 0
	for ; n < len(o.kept) && now.After(o.kept[n].until); n++ {
		o.grow(o.kept[n], -o.kept[n].size())
	}
	o.kept = slices.Delete(o.kept, 0, n)
}

// greet makes the outbox tell the others that this replica has connected, and
// send everything again, because messages may have been lost on either side.
func (o *outbox) greet() {
	o.mu.Lock()
	o.hello = true
	o.mu.Unlock()
	o.resend()
}

// resend makes the outbox send everything again.
func (o *outbox) resend() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(time.Now())
	for _, m := range o.kept {
		m.unsent = true
	}
	wake(o.wake)
}

// next returns the messages that are to be sent.
func (o *outbox) next() (hello bool, messages []*keptMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(time.Now())
	for _, m := range o.kept {
		if m.unsent {
			messages = append(messages, m)
		}
	}
	return o.hello, messages
}

// sent notes that messages were sent.
func (o *outbox) sent(hello bool, messages []*keptMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hello = o.hello && !hello
	for _, m := range messages {
		m.unsent = false
	}
}

// deliverOutbox sends what could not be sent and what has to be sent again.
func (l *Link) deliverOutbox(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.outbox.wake:
		}
		if !l.deliver(ctx) {
			wake(l.outbox.wake)
		}
		timer := time.NewTimer(retryTime)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// deliver reports whether everything was sent.
func (l *Link) deliver(ctx context.Context) bool {
	hello, messages := l.outbox.next()
	if hello && l.Send(ctx, kindHello) != nil {
		return false
	}
	for i, m := range messages {
		if l.Send(ctx, m.kind, m.fields...) != nil {
			l.outbox.sent(hello, messages[:i])
			return false
		}
	}
	l.outbox.sent(hello, messages)
	return true
}
