package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/private"
	"github.com/mcpengine/mcpengine/mcp"
)

// Bounds of completion, for which a person waits.
const (
	suggestTime = 2 * time.Second  // for one press of the key, unless MCPENGINE_COMPLETION_TIME says another
	catalogTime = 20 * time.Second // how long an answer is used again
	silenceTime = 10 * time.Second // how long a server is left alone that has not answered
	catalogSize = 4 << 20          // bytes of a list that are kept
)

// A catalog is what completion knows of a server. It connects when something has to
// be asked, and keeps lists for a few seconds in the program's own folder, because
// each press of the key is a process of its own.
type catalog struct {
	*cli
	ctx    context.Context //nolint:containedctx // of one press of the key
	target *target
	folder string // where lists are kept, or ""
	key    string // of the server
	conn   *client.Client
}

// suggestLimit returns how long a press of the key may take.
func (c *cli) suggestLimit() time.Duration {
	if limit, err := time.ParseDuration(c.getenv("MCPENGINE_COMPLETION_TIME")); err == nil && limit > 0 {
		return limit
	}
	return suggestTime // the shell has no place for an error
}

// openCatalog returns the catalog of a server. The caller closes it.
func (c *cli) openCatalog(ctx context.Context, t *target) *catalog {
	k := &catalog{cli: c, ctx: ctx, target: t}
	profile, err := json.Marshal(t.Profile)
	if store, storeErr := c.store(); err == nil && storeErr == nil {
		sum := sha256.Sum256(profile)
		k.folder, k.key = store.Home(), hex.EncodeToString(sum[:16])
	}
	return k
}

func (k *catalog) close() {
	if k.conn != nil {
		k.conn.Close()
	}
}

var errSilent = errors.New("the server has not answered a moment ago")

// connect returns the connection. A server that did not answer is not asked again
// at once.
func (k *catalog) connect() (*client.Client, error) {
	if k.conn != nil {
		return k.conn, nil
	}
	if _, ok := k.kept("silent", silenceTime); ok {
		return nil, errSilent
	}
	conn, err := k.dial(k.ctx, k.target, client.Handlers{})
	if err != nil {
		if k.ctx.Err() != nil {
			k.keep("silent", nil)
		}
		return nil, err
	}
	k.conn = conn
	return conn, nil
}

func (k *catalog) tools() []mcp.Tool {
	return listed(k, "tools", func(conn *client.Client) iter.Seq2[mcp.Tool, error] { return conn.Tools(k.ctx) })
}

func (k *catalog) prompts() []mcp.Prompt {
	return listed(k, "prompts", func(conn *client.Client) iter.Seq2[mcp.Prompt, error] { return conn.Prompts(k.ctx) })
}

func (k *catalog) resources() []mcp.Resource {
	return listed(k, "resources", func(conn *client.Client) iter.Seq2[mcp.Resource, error] { return conn.Resources(k.ctx) })
}

func (k *catalog) templates() []mcp.ResourceTemplate {
	return listed(k, "templates", func(conn *client.Client) iter.Seq2[mcp.ResourceTemplate, error] {
		return conn.ResourceTemplates(k.ctx)
	})
}

// complete asks the server for values of an argument.
func (k *catalog) complete(ref mcp.CompletionReference, argument, value string, resolved map[string]string) []string {
	conn, err := k.connect()
	if err != nil {
		return nil
	}
	found, err := conn.Complete(k.ctx, ref, argument, value, resolved)
	if err != nil {
		return nil
	}
	return found.Values
}

// listed returns a list as it was a moment ago, or asks for it. An error ends the
// list, and only a whole list is kept.
func listed[T any](k *catalog, kind string, list func(*client.Client) iter.Seq2[T, error]) []T {
	var all []T
	if data, ok := k.kept(kind, catalogTime); ok && json.Unmarshal(data, &all) == nil {
		return all
	}
	conn, err := k.connect()
	if err != nil {
		return nil
	}
	for item, err := range list(conn) {
		if err != nil {
			return all
		}
		all = append(all, item)
	}
	if data, err := json.Marshal(all); err == nil && len(data) <= catalogSize {
		k.keep(kind, data)
	}
	return all
}

// kept returns what was kept, unless it is too old.
func (k *catalog) kept(kind string, limit time.Duration) ([]byte, bool) {
	if k.folder == "" {
		return nil, false
	}
	name := k.file(kind)
	info, err := os.Stat(filepath.Join(k.folder, name))
	if err != nil || time.Since(info.ModTime()) > limit {
		return nil, false
	}
	data, err := private.Read(k.folder, name, catalogSize)
	return data, err == nil
}

// keep keeps a list. Nothing is lost where it cannot.
func (k *catalog) keep(kind string, data []byte) {
	if k.folder == "" {
		return
	}
	k.prune()
	_ = private.Write(k.folder, k.file(kind), data)
}

func (k *catalog) file(kind string) string { return "completion/" + k.key + "-" + kind }

// prune removes what is too old to be used.
func (k *catalog) prune() {
	folder := filepath.Join(k.folder, "completion")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > catalogTime {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}
