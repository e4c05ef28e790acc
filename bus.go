package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/internal/replicas"
)

// WithBus connects the replicas of a server, so that a client may reach any of
// them with any request: they tell each other which lists and resources have
// changed, and share what clients of handshake versions have told one of them.
// Without it, a client is notified of changes on its own replica only.
//
// The replicas need the same keys ([WithKeys] or MCPENGINE_KEYS) and the same
// server identity. Several servers may use one bus: messages are sealed for the
// server, and others are ignored. The engine connects when it serves the first
// request, goes on without the bus while it is lost, and treats everything as
// changed when it is back. [Engine.Close] ends the connection; it does not close
// the bus itself.
//
// On AWS Lambda the bus is not used, because the processes are frozen between
// requests.
func WithBus(b bus.Bus) Option {
	return engineOption(func(e *Engine) { e.replicas = &replicaLink{bus: b} })
}

// BusState says whether the engine is connected to the bus of [WithBus]. It
// reports false without one.
func (e *Engine) BusState() (state bus.State, ok bool) {
	if e.replicas == nil {
		return bus.State{}, false
	}
	return e.replicas.State(), true
}

// A replicaLink ties the engine to the other replicas. An engine without a bus
// has none.
type replicaLink struct {
	*replicas.Link
	bus     bus.Bus
	start   sync.Once
	fault   error // why the link was not started
	retired retired
}

var errBusKeys = errors.New("WithBus needs keys that the replicas share: set " + keysVariable + " or WithKeys")

// bindBus makes the link. The keys must have been bound.
func (e *Engine) bindBus() {
	if e.replicas == nil {
		return
	}
	e.replicas.Link = replicas.New(e.replicas.bus, e.ring, e.logger)
	e.replicas.OnChanges(e.changedElsewhere)
	e.replicas.OnReturn(e.subscriptions.everythingChanged)
}

// startBus connects to the bus, if there is one.
func (e *Engine) startBus(ctx context.Context) error {
	if e.replicas == nil {
		return nil
	}
	e.replicas.start.Do(func() {
		if e.randomKeys {
			e.replicas.fault = errBusKeys
			e.logger.ErrorContext(ctx, "the bus is not used: "+errBusKeys.Error())
			return
		}
		e.replicas.Start(ctx)
	})
	return e.replicas.fault
}

// closeBus ends the connection to the bus when the requests of sessions have
// ended, because they may wait for answers that come to other replicas. It gives
// them no longer than Run does.
func (e *Engine) closeBus() {
	patience, cancel := context.WithTimeout(context.Background(), e.httpConfig.ShutdownTimeout)
	go func() {
		defer cancel()
		_ = e.idleHandshake(patience)
		e.replicas.Close()
	}()
}

// leaveBus drops the bus, where processes do not live between requests.
func (e *Engine) leaveBus() {
	if e.replicas != nil {
		e.replicas = nil
		e.logger.Info("the bus is not used on AWS Lambda: processes are frozen between requests")
	}
}

// writeBusState writes a line on the bus for /readyz. A lost bus does not make a
// replica unready: it would make all of them unready at the same moment.
func (e *Engine) writeBusState(w io.Writer) {
	state, ok := e.BusState()
	switch {
	case !ok:
	case state.Connected:
		fmt.Fprintf(w, "bus: connected since %s\n", state.Since.UTC().Format(time.RFC3339))
	case state.Since.IsZero():
		fmt.Fprintf(w, "bus: not connected yet\n")
	default:
		fmt.Fprintf(w, "bus: lost since %s\n", state.Since.UTC().Format(time.RFC3339))
	}
}

// Entries that tell other replicas what has changed. A list is its letter, and
// behind it the key of the feature if not everybody may know of the feature.
const (
	toolsEntry     = "t"
	promptsEntry   = "p"
	resourcesEntry = "r"
	updatedEntry   = "u" // and the folded URI of a resource
	extensionEntry = "x" // and the field of a filter, a zero byte, and a key
)

var listEntries = map[string]change{toolsEntry: toolsChanged, promptsEntry: promptsChanged, resourcesEntry: resourcesChanged}

// listChanged notes that a feature has been added to a list or removed from it.
func (e *Engine) listChanged(c change, f listed) {
	e.subscriptions.changed(c, f.guard())
	if e.replicas == nil {
		return
	}
	for entry, list := range listEntries {
		switch {
		case list != c:
		case f.guard().guarded():
			e.replicas.retired.note(entry+f.key(), f.guard())
			e.replicas.Changed(entry + f.key())
		default:
			e.replicas.Changed(entry)
		}
	}
}

// guarded reports whether some callers do not see the feature in lists.
func (p *policy) guarded() bool { return p.hidden || len(p.rules) > 0 }

// changedElsewhere takes changes on another replica. The policies of this replica
// decide which clients are told.
func (e *Engine) changedElsewhere(entries [][]byte) {
	for _, entry := range entries {
		text := string(entry)
		switch {
		case text == "":
		case text == replicas.Everything:
			e.subscriptions.everythingChanged()
		case text[:1] == updatedEntry:
			e.subscriptions.updated(text[1:])
		case text[:1] == extensionEntry:
			field, key, _ := strings.Cut(text[1:], "\x00")
			e.subscriptions.changedKey(changeKey{field, key})
		default: // or the entry of a release to come, which is in no list
			e.listChangedElsewhere(listEntries[text[:1]], text)
		}
	}
}

// listChangedElsewhere notes that a list has changed on another replica. The
// policy of a guarded feature that this replica never had is not known, so that
// nobody is told.
func (e *Engine) listChangedElsewhere(c change, entry string) {
	if c == 0 {
		return
	}
	key := entry[1:]
	if key == "" {
		e.subscriptions.changed(c, new(policy))
		return
	}
	for _, f := range e.registry.catalog().withKey(c, key) {
		e.subscriptions.changed(c, f.guard())
		return
	}
	if p := e.replicas.retired.policy(entry); p != nil {
		e.subscriptions.changed(c, p)
	}
}

// withKey returns the features with a key in a list.
func (c *catalog) withKey(list change, key string) (found []listed) {
	if f, ok := c.tools.names.get(key); ok && list == toolsChanged {
		found = append(found, f)
	}
	if f, ok := c.prompts.names.get(key); ok && list == promptsChanged {
		found = append(found, f)
	}
	if list != resourcesChanged {
		return found
	}
	if f, ok := c.resources.names.get(key); ok {
		found = append(found, f)
	}
	if f, ok := c.templates.names.get(key); ok {
		found = append(found, f)
	}
	return found
}

// maxRetired bounds the policies of features that are not there any more.
const maxRetired = 1000

// A retired table has the policies of guarded features that this replica has or
// had, by entry. Another replica may still have them and remove them.
type retired struct {
	mu       sync.Mutex
	policies map[string]*policy
	order    []string
}

func (r *retired) note(entry string, p *policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.policies == nil {
		r.policies = make(map[string]*policy)
	}
	if r.policies[entry] == nil {
		if len(r.order) == maxRetired {
			delete(r.policies, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		r.order = append(r.order, strings.Clone(entry))
	}
	r.policies[entry] = p
}

func (r *retired) policy(entry string) *policy {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.policies[entry]
}
