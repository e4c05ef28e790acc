package awsauth

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// An account is the AWS configuration. It is read when it is first asked for,
// and again when AWS says that its credentials have expired: somebody may have
// signed in since.
type account struct {
	profile, region string

	mu     sync.Mutex
	loaded *aws.Config
}

// An identity signs requests for a region.
type identity struct {
	credentials aws.Credentials
	region      string // of the configuration, or ""
	endpoint    string // in place of the services' own, or ""
}

// identity returns the credentials to sign with. If AWS refused a set, it returns
// another, or the same one when there is no other.
func (a *account) identity(ctx context.Context, refused *identity) (identity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.loaded == nil || refused != nil {
		cfg, err := config.LoadDefaultConfig(
			ctx,
			config.WithRegion(a.region),
			config.WithSharedConfigProfile(a.profile),
			config.WithLogger(logging.Nop{}), // it would write to standard error
		)
		if err != nil {
			return identity{}, unauthorized(0, "read the AWS configuration: "+innermost(err), "list the profiles there are with: aws configure list-profiles")
		}
		a.loaded = &cfg
	}
	credentials, err := a.loaded.Credentials.Retrieve(ctx)
	switch {
	case ctx.Err() != nil:
		return identity{}, fmt.Errorf("find AWS credentials: %w", context.Cause(ctx))
	case err != nil && strings.Contains(strings.ToLower(err.Error()), "imds"):
		// The search ends at the metadata of an EC2 instance, which means nothing
		// on another machine.
		return identity{}, unauthorized(0, "there are no AWS credentials", signIn)
	case err != nil:
		return identity{}, unauthorized(0, "find AWS credentials: "+innermost(err), signIn)
	}
	i := identity{credentials: credentials, region: a.loaded.Region}
	if a.loaded.BaseEndpoint != nil {
		i.endpoint = *a.loaded.BaseEndpoint
	}
	return i, nil
}

// same reports whether AWS would take one for the other.
func (i identity) same(other identity) bool {
	return i.credentials.AccessKeyID == other.credentials.AccessKeyID && i.credentials.SessionToken == other.credentials.SessionToken
}
