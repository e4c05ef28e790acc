package inspector

import (
	"encoding/json"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A state is what the page shows of the server and the connection to it.
type state struct {
	Name          string              `json:"name"`
	Target        targetState         `json:"target"`
	Connected     bool                `json:"connected"`
	Error         string              `json:"error"`
	Server        *mcp.Implementation `json:"server"`
	Instructions  string              `json:"instructions"`
	Capabilities  json.RawMessage     `json:"capabilities"`
	Version       string              `json:"version"`
	Versions      []string            `json:"versions"`
	Identity      string              `json:"identity"`
	Identities    []Identity          `json:"identities"`
	Build         Build               `json:"build"`
	Sandbox       string              `json:"sandbox"`
	Recording     bool                `json:"recording"`
	Tasks         bool                `json:"tasks"`
	Completions   bool                `json:"completions"`
	Subscriptions bool                `json:"subscriptions"`
	Subscribed    []string            `json:"subscribed"`
}

type targetState struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// tasksExtension is the id of the extension for tasks.
const tasksExtension = "io.modelcontextprotocol/tasks"

// state returns the state. It waits for no connection.
func (i *Inspector) state() state {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := state{
		Name: i.options.Name, Target: targetState{i.options.Target.Kind(), i.options.Target.Text()},
		Error: i.failed, Version: i.version, Versions: protocol.Names(nil), Subscribed: []string{},
		Identity: i.identity, Identities: append([]Identity{}, i.options.Identities...),
		Build: i.build, Sandbox: i.sandboxOrigin(), Recording: i.recorder.on(),
	}
	if i.session == nil {
		return s
	}
	conn := i.session.client
	server, offers := conn.Server(), conn.Capabilities()
	s.Connected, s.Error, s.Version = true, "", conn.Version()
	s.Server, s.Capabilities, s.Instructions = &server, i.session.offers.raw(), conn.Instructions()
	_, extension := offers.Extensions[tasksExtension]
	s.Tasks = extension || i.session.offers.makesTasks()
	s.Completions = offers.Completions != nil
	s.Subscriptions = offers.Resources != nil && offers.Resources.Subscribe
	s.Subscribed = i.session.subscribed()
	return s
}

// tellState tells the page that the state has changed.
func (i *Inspector) tellState() {
	i.journal.add(struct {
		Type  string `json:"type"`
		State state  `json:"state"`
	}{"state", i.state()})
}

func (i *Inspector) getState(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, i.state())
	return nil
}

func (i *Inspector) postVersion(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Version string `json:"version"`
	}](w, r, maxBody)
	if err != nil {
		return err
	}
	if in.Version != "" && protocol.Find(in.Version) == nil {
		return refuse(http.StatusBadRequest, "the protocol version %.32q is not one of %v", in.Version, protocol.Names(nil))
	}
	i.mu.Lock()
	i.version = in.Version
	i.mu.Unlock()
	return i.postReconnect(w, r)
}

func (i *Inspector) postIdentity(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Name string `json:"name"`
	}](w, r, maxBody)
	if err != nil {
		return err
	}
	known := in.Name == ""
	for _, identity := range i.options.Identities {
		known = known || identity.Name == in.Name
	}
	if !known {
		return refuse(http.StatusBadRequest, "there is no identity %.64q", in.Name)
	}
	i.mu.Lock()
	i.identity = in.Name
	i.mu.Unlock()
	return i.postReconnect(w, r)
}

// postReconnect connects again and answers with the state, which has the error if
// there is one.
func (i *Inspector) postReconnect(w http.ResponseWriter, r *http.Request) error {
	_ = i.Reconnect(r.Context()) // the state has the error
	return i.getState(w, r)
}
