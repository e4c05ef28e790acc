package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// A Deployment is a server that mcpengine has put on Lambda.
type Deployment struct {
	Name    string `json:"name"`
	Region  string `json:"region"`
	URL     string `json:"url,omitempty"`     // of the function; "" while the deployment is not finished
	IAM     bool   `json:"iam"`               // requests must be signed
	Package string `json:"package,omitempty"` // the import path of the program
	Version string `json:"version,omitempty"` // that callers reach

	// Updated is when the version was made.
	Updated time.Time `json:"updated"`
}

// List returns the servers in the region that mcpengine has deployed, by name.
func (d *Deployer) List(ctx context.Context) ([]Deployment, error) {
	names, err := d.candidates(ctx)
	if err != nil {
		return nil, explain(err, d.clients.region)
	}
	all := []Deployment{}
	for _, name := range names {
		one, err := d.describe(ctx, name)
		if err != nil {
			return nil, explain(err, d.clients.region)
		}
		if one != nil {
			all = append(all, *one)
		}
	}
	slices.SortFunc(all, func(a, b Deployment) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// candidates returns the names of the functions that have the role of a deployment.
// Only these are asked for their tags: an account may have thousands of functions.
func (d *Deployer) candidates(ctx context.Context) ([]string, error) {
	var names []string
	in := &lambda.ListFunctionsInput{}
	for {
		out, err := d.clients.lambda.ListFunctions(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the functions: %w", err)
		}
		for _, f := range out.Functions {
			name := aws.ToString(f.FunctionName)
			if strings.HasSuffix(aws.ToString(f.Role), ":role/"+location{region: d.clients.region}.roleName(name)) {
				names = append(names, name)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return names, nil
		}
	}
}

// describe returns the deployment of a name, or nil if the function is not ours or
// has just been deleted.
func (d *Deployer) describe(ctx context.Context, name string) (*Deployment, error) {
	f, err := d.readFunction(ctx, name)
	if errors.Is(err, errNotOurs) || err == nil && f == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one := &Deployment{Name: name, Region: d.clients.region, Package: clean(strings.ReplaceAll(f.program, "=", "~")), Updated: f.updated}
	live, err := d.readLive(ctx, name)
	if err != nil || live == nil {
		return one, err
	}
	one.Version, one.Updated = live.version, live.function.updated
	u, err := d.readURL(ctx, name)
	if err != nil || u == nil {
		return one, err
	}
	one.URL, one.IAM = clean(u.url), u.iam
	return one, nil
}
