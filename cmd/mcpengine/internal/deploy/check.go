package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// ErrNoAnswer reports that a server does not answer server/discover. Its log may
// tell why.
var ErrNoAnswer = errors.New("does not answer server/discover")

const (
	checkAttempts = 2
	checkTimeout  = time.Minute
)

// check asks a version for server/discover, in an invocation of that version, since
// no URL leads to it yet. It asks a second time, because the first start is the
// slowest.
func (d *Deployer) check(ctx context.Context, name, path, version string) (Discovery, error) {
	for attempt := 1; ; attempt++ {
		found, err := d.invokeDiscover(ctx, name, path, version)
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil:
			return Discovery{}, ctx.Err()
		case isConflict(err), attempt == checkAttempts:
			return Discovery{}, unanswered(name, version, err)
		}
		if err := d.wait(ctx, time.Second); err != nil {
			return Discovery{}, err
		}
	}
}

// unanswered returns the error of a version that does not answer. An error of AWS
// stays what it is.
func unanswered(name, version string, err error) error {
	if isAPI(err) {
		return fmt.Errorf("ask version %s for server/discover: %w", version, err)
	}
	return withHint(fmt.Errorf("version %s %w: %w", version, ErrNoAnswer, err),
		"see its log with mcpengine logs "+name)
}

func (d *Deployer) invokeDiscover(ctx context.Context, name, path, version string) (Discovery, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	f := profile.Function{Name: name, Qualifier: version, Region: d.clients.region, Path: absolute(path)}
	req, body, err := discoverRequest(ctx, f.Endpoint())
	if err != nil {
		return Discovery{}, err
	}
	event, err := awsauth.NewEvent(req, body, d.config.Now())
	if err != nil {
		return Discovery{}, err
	}
	out, err := d.clients.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(name), Qualifier: aws.String(version), Payload: event})
	if err != nil {
		return Discovery{}, err
	}
	if out.FunctionError != nil {
		return Discovery{}, errors.New(failureOf(out.Payload))
	}
	resp, err := awsauth.ParseAnswer(out.Payload)
	if err != nil {
		return Discovery{}, err
	}
	defer resp.Body.Close()
	return readDiscovery(resp)
}

// failureOf returns what Lambda says of an invocation that has failed.
func failureOf(payload []byte) string {
	var failure struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(payload, &failure); err != nil || failure.ErrorMessage == "" {
		return "the invocation has failed: " + clean(string(payload))
	}
	return clean(failure.ErrorType + ": " + failure.ErrorMessage)
}

// readDiscovery reads the answer to server/discover. A server that wants callers to
// sign in has answered as well.
func readDiscovery(resp *http.Response) (Discovery, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProbe))
	switch {
	case err != nil:
		return Discovery{}, err
	case resp.StatusCode == http.StatusUnauthorized:
		return Discovery{Protected: true}, nil
	case resp.StatusCode != http.StatusOK:
		return Discovery{}, fmt.Errorf("%d %s: %s", resp.StatusCode, http.StatusText(resp.StatusCode), clean(string(body)))
	}
	return parseDiscovery(body)
}
