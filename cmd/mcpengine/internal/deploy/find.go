package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// An Endpoint is where a server that is deployed answers.
type Endpoint struct {
	URL    string // of the MCP endpoint
	IAM    bool   // requests must be signed
	Stream bool
}

// Find finds the server that answers at the path of its function's URL. It
// fails if there is no such server or mcpengine did not deploy it.
func (d *Deployer) Find(ctx context.Context, name, path string) (Endpoint, error) {
	if err := CheckName(name); err != nil {
		return Endpoint{}, err
	}
	e, err := d.find(ctx, name, path)
	return e, explain(err, d.clients.region)
}

func (d *Deployer) find(ctx context.Context, name, path string) (Endpoint, error) {
	f, err := d.readFunction(ctx, name)
	if err != nil {
		return Endpoint{}, err
	}
	if f == nil {
		return Endpoint{}, d.noServer(name)
	}
	u, err := d.readURL(ctx, name)
	if err != nil {
		return Endpoint{}, err
	}
	if u == nil {
		return Endpoint{}, withHint(errors.New("server "+name+" has no URL"), "finish its deployment with mcpengine deploy")
	}
	return Endpoint{
		URL:    strings.TrimSuffix(u.url, "/") + absolute(path),
		IAM:    u.iam,
		Stream: u.stream,
	}, nil
}

// absolute returns a path that begins with a slash.
func absolute(path string) string { return "/" + strings.TrimPrefix(path, "/") }

func (d *Deployer) noServer(name string) error {
	return withHint(fmt.Errorf("there is no server %s in region %s", name, d.clients.region),
		"name another region with --region, deploy it with mcpengine deploy, or see mcpengine deployments")
}
