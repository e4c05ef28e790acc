package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/mcpengine/mcpengine/mcp"
)

// A Discovery is the answer of a server to server/discover.
type Discovery struct {
	Server    string   // "weather 1.0", or "" when it does not say
	Versions  []string // the protocol versions it speaks
	Protected bool     // it wants the caller to sign in first, and said no more
}

const (
	probeAttempts = 10
	probeTimeout  = 15 * time.Second
	maxProbe      = 1 << 20 // bytes of the answer
)

// Probe asks the server for server/discover, again and again for about a
// minute: a new permission takes some seconds to be known everywhere, and the
// first start of a function is its slowest. After that it fails
// with the last answer.
func (d *Deployer) Probe(ctx context.Context, e Endpoint) (Discovery, error) {
	pause := time.Second
	for attempt := 1; ; attempt++ {
		found, err := d.probe(ctx, e)
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil:
			return Discovery{}, ctx.Err()
		case attempt == probeAttempts:
			return Discovery{}, fmt.Errorf("%s %w: %w", e.URL, ErrNoAnswer, err)
		case attempt == 1:
			d.say("waiting until %s answers", e.URL)
		}
		if err := d.wait(ctx, pause); err != nil {
			return Discovery{}, err
		}
		pause = min(2*pause, 8*time.Second)
	}
}

func (d *Deployer) probe(ctx context.Context, e Endpoint) (Discovery, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, body, err := discoverRequest(ctx, e.URL)
	if err == nil && e.IAM {
		err = d.sign(ctx, req, body)
	}
	if err != nil {
		return Discovery{}, err
	}
	resp, err := d.config.HTTPClient.Do(req)
	if err != nil {
		return Discovery{}, errors.New(innermost(err))
	}
	defer resp.Body.Close()
	return readDiscovery(resp)
}

// discoverRequest returns the request every server answers, with the headers that
// repeat the message (streamable-http, "Standard Request Headers").
func discoverRequest(ctx context.Context, endpoint string) (*http.Request, []byte, error) {
	body, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0",
		"id":      1,
		"method":  mcp.MethodServerDiscover,
		"params": map[string]any{"_meta": map[string]any{
			mcp.MetaProtocolVersion:    mcp.LatestProtocolVersion,
			mcp.MetaClientInfo:         map[string]any{"name": "mcpengine-deploy", "version": "1"},
			mcp.MetaClientCapabilities: map[string]any{},
		}},
	})
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("MCP-Protocol-Version", mcp.LatestProtocolVersion)
	req.Header.Set("Mcp-Method", mcp.MethodServerDiscover)
	return req, body, nil
}

// sign signs a request to a URL that is not public.
func (d *Deployer) sign(ctx context.Context, req *http.Request, body []byte) error {
	credentials, err := d.clients.credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "lambda", d.clients.region, d.config.Now())
}

// parseDiscovery reads the answer to server/discover.
func parseDiscovery(body []byte) (Discovery, error) {
	var answer struct {
		Result *mcp.DiscoverResult `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil:
		return Discovery{}, fmt.Errorf("the answer is not a message of MCP: %s", clean(string(body)))
	case answer.Error != nil:
		return Discovery{}, errors.New(clean(answer.Error.Message))
	case answer.Result == nil || len(answer.Result.SupportedVersions) == 0:
		return Discovery{}, errors.New("the answer names no protocol version")
	}
	found := Discovery{}
	for _, version := range answer.Result.SupportedVersions {
		found.Versions = append(found.Versions, clean(version))
	}
	if info, ok := answer.Result.Meta[mcp.MetaServerInfo].(map[string]any); ok {
		name, _ := info["name"].(string)
		version, _ := info["version"].(string)
		found.Server = clean(name + " " + version)
	}
	return found, nil
}
