package handshake

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/replicas"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/internal/share"
)

type nothing struct{}

func (nothing) Handle(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
	return jsonrpc.ErrorResponse(req.ID, jsonrpc.ErrInternal)
}

// Messages come from replicas that may run another release: whatever the fields
// are, they do no harm.
func FuzzMessages(f *testing.F) {
	version := binary.AppendUvarint(nil, 9)
	f.Add("level", "error", version)
	f.Add("uri x:y", isSet, version)
	f.Add("x", "y", version)
	f.Add("listener", "", []byte{})
	f.Add(deletedItem, isSet, []byte{0x80})
	f.Fuzz(func(t *testing.T, key, value string, number []byte) {
		ring := seal.RandomRing()
		h := NewHTTP(nothing{}, HTTPConfig{Keys: ring, Replicas: replicas.New(bus.Memory(), ring, nil)})
		s := newSession(h, claims{peer: Peer{Version: versions[0]}}, share.Caller{})
		s.token, s.name = "token", "name"
		h.sessions.add(s)
		_ = s.requests()
		fields := [][]byte{[]byte(s.name), []byte(value), number, []byte(key), []byte(value), number, []byte(key), number}
		for n := range len(fields) + 1 {
			h.remote.receiveState(fields[:n])
			h.remote.receiveAnswer(fields[:n])
			h.remote.receiveCancel(fields[:n])
			h.remote.receiveWho(fields[:n])
			h.remote.receiveFollow(fields[:n])
			h.remote.receiveProgress(fields[:n])
		}
		h.remote.adopt(s)
		h.Close()
		if err := h.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
