package inspector

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/mcp"
)

// relisten is how long the inspector waits until it subscribes again after the
// server has ended a subscription.
const relisten = 2 * time.Second

// maxSubscriptions bounds the resources that are subscribed to.
const maxSubscriptions = 100

// followLists tells the page about changed lists for as long as the session lasts.
func (i *Inspector) followLists(s *session) {
	offers := s.client.Capabilities()
	filter := mcp.SubscriptionFilter{
		ToolsListChanged:     offers.Tools != nil && offers.Tools.ListChanged,
		PromptsListChanged:   offers.Prompts != nil && offers.Prompts.ListChanged,
		ResourcesListChanged: offers.Resources != nil && offers.Resources.ListChanged,
	}
	s.wait.Go(func() {
		if !filter.ToolsListChanged && !filter.PromptsListChanged && !filter.ResourcesListChanged {
			i.update(s) // since the last connection
			return
		}
		for i.listen(s, filter) && sleep(s.ctx, relisten) {
		}
	})
}

// listen subscribes to lists until the server ends the subscription. It reports
// whether to subscribe again.
func (i *Inspector) listen(s *session, filter mcp.SubscriptionFilter) bool {
	for change, err := range s.client.Listen(s.ctx, filter) {
		if err != nil {
			_, refused := errors.AsType[*mcp.Error](err)
			return !refused && s.ctx.Err() == nil
		}
		if change.Method == mcp.MethodNotificationsResourcesUpdated {
			continue
		}
		// The acknowledgement is a reason to ask too: what changed before it was
		// reported to nobody.
		i.update(s)
	}
	return s.ctx.Err() == nil
}

// update asks for the features, compares them with those that the page knows, and
// tells it what differs.
func (i *Inspector) update(s *session) {
	i.listing.Lock()
	defer i.listing.Unlock()
	before := i.catalog
	if before == nil {
		return // the page has seen none yet
	}
	all, err := s.features(s.ctx)
	if err != nil {
		return // the page sees the messages
	}
	i.catalog = all
	for _, kind := range featureKinds {
		if c := changes(kind.name, before[kind.name], all[kind.name]); c != nil {
			i.journal.add(c)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A resourceURI is the body of the requests that subscribe.
type resourceURI struct {
	URI string `json:"uri"`
}

func (i *Inspector) postSubscribe(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[resourceURI](w, r, maxBody)
	if err != nil {
		return err
	}
	s, err := i.current()
	if err != nil {
		return err
	}
	if err := i.subscribe(r.Context(), s, in.URI); err != nil {
		return err
	}
	i.tellState()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// A subscription is to one resource.
type subscription struct {
	uri    string
	cancel context.CancelFunc
}

// subscribe subscribes to a resource, and returns when the server has accepted
// that.
func (i *Inspector) subscribe(ctx context.Context, s *session, uri string) error {
	listening, cancel := context.WithCancel(s.ctx)
	own := &subscription{uri, cancel}
	if added, err := s.add(own); !added {
		cancel()
		return err
	}
	accepted := make(chan error, 2) // that it is accepted, and why it has ended
	s.wait.Go(func() {
		err := i.watch(listening, s, uri, accepted)
		if s.remove(own) {
			i.tellState()
		}
		accepted <- err
	})
	select {
	case err := <-accepted:
		return err
	case <-ctx.Done():
		cancel()
		return context.Cause(ctx)
	}
}

// add adds a subscription, unless there is one to the resource.
func (s *session) add(own *subscription) (added bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.subscriptions[own.uri] != nil:
		return false, nil
	case len(s.subscriptions) == maxSubscriptions:
		return false, refuse(http.StatusConflict, "there are %d subscriptions: end one first", maxSubscriptions)
	case s.ctx.Err() != nil:
		return false, refuse(http.StatusConflict, "the connection has just been closed: try again")
	}
	s.subscriptions[own.uri] = own
	return true, nil
}

// remove removes a subscription, and reports whether it was there.
func (s *session) remove(own *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.subscriptions[own.uri] == own
	if there {
		delete(s.subscriptions, own.uri)
	}
	return there
}

// watch tells the page about updates of a resource. It sends on accepted when the
// server has accepted the subscription, and returns why it ended.
func (i *Inspector) watch(ctx context.Context, s *session, uri string, accepted chan<- error) error {
	for change, err := range s.client.Listen(ctx, mcp.SubscriptionFilter{ResourceSubscriptions: []string{uri}}) {
		if err != nil {
			return err
		}
		if change.Method != mcp.MethodNotificationsSubscriptionsAcknowledged {
			i.journal.add(map[string]string{"type": "updated", "uri": change.URI})
			continue
		}
		if !slices.Contains(change.Honoured.ResourceSubscriptions, uri) {
			return refuse(http.StatusBadGateway, "the server does not report changes of %s", uri)
		}
		accepted <- nil
	}
	return errors.New("the server has ended the subscription")
}

func (i *Inspector) postUnsubscribe(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[resourceURI](w, r, maxBody)
	if err != nil {
		return err
	}
	s, err := i.current()
	if err != nil {
		return err
	}
	s.mu.Lock()
	own := s.subscriptions[in.URI]
	s.mu.Unlock()
	if own != nil && s.remove(own) {
		own.cancel()
		i.tellState()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
