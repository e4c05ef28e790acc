package awsauth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// maxPayload is how much an invocation takes and, without streaming, returns.
const maxPayload = 6 << 20

// An invoker is the RoundTripper of a function.
type invoker struct {
	config   Config
	function profile.Function
	account  *account
}

// NewInvoker returns a RoundTripper that turns each request into an invocation
// of f, as a Function URL would (payload format 2.0), and the result into a
// response. It uses InvokeWithResponseStream, which also works for functions
// with a buffered answer. Requests go to [profile.Function.Endpoint]; another
// URL is refused. The status is 413 for a request of more than 6 MB, 429 if
// Lambda throttles, and 502 if the function fails.
func NewInvoker(f profile.Function, c Config) http.RoundTripper {
	if c.Region == "" {
		c.Region = f.Region
	}
	return &invoker{config: c, function: f, account: &account{profile: c.Profile, region: c.Region}}
}

// RoundTrip implements [http.RoundTripper].
func (v *invoker) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r, maxPayload)
	if errors.Is(err, errTooLarge) {
		return local(r, http.StatusRequestEntityTooLarge, err.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	event, err := NewEvent(r, body, time.Now())
	if err != nil {
		return nil, fmt.Errorf("make an event of the request: %w", err)
	}
	if len(event) > maxPayload {
		return local(r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the invocation has %d bytes, and Lambda takes %d", len(event), maxPayload)), nil
	}
	resp, err := v.invoke(r, event)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return v.refused(r, resp)
	}
	answer, err := readAnswer(newPayload(resp.Body))
	if err != nil {
		resp.Body.Close()
		if r.Context().Err() != nil {
			return nil, err
		}
		// What a Function URL says then.
		return local(r, http.StatusBadGateway, clean(err.Error())), nil
	}
	answer.Request = r
	return answer, nil
}

// invoke calls the Lambda API. Only the API's own request is signed: the
// caller's Authorization field reaches the function in the event.
func (v *invoker) invoke(r *http.Request, event []byte) (*http.Response, error) {
	who, err := v.account.identity(r.Context(), nil)
	if err != nil {
		return nil, err
	}
	region := v.config.Region
	if region == "" {
		region = who.region
	}
	base, err := endpoint(region, who.endpoint)
	if err != nil {
		return nil, err
	}
	name := v.function.ARN
	if name == "" {
		name = v.function.Name
	}
	u := base.JoinPath("2021-11-15", "functions", strings.ReplaceAll(name, ":", "%3A"), "response-streaming-invocations")
	if v.function.Qualifier != "" {
		u.RawQuery = url.Values{"Qualifier": {v.function.Qualifier}}.Encode()
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, u.String(), bytes.NewReader(event))
	if err != nil {
		return nil, fmt.Errorf("make the invocation: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", streamType)
	s := newSigner(v.config, u, "lambda", region)
	s.account = v.account
	return s.RoundTrip(request)
}

// endpoint returns where the Lambda API of a region is. AWS_ENDPOINT_URL and
// AWS_ENDPOINT_URL_LAMBDA, for tests and emulators, replace it.
func endpoint(region, configured string) (*url.URL, error) {
	if region == "" {
		return nil, unauthorized(0, "no AWS region is set", "name one with --aws-region, for example --aws-region us-east-1, or set AWS_REGION")
	}
	if own := os.Getenv("AWS_ENDPOINT_URL_LAMBDA"); own != "" {
		configured = own
	}
	if configured == "" {
		configured = "https://lambda." + region + ".amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			configured += ".cn"
		}
	}
	u, err := url.Parse(configured)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the endpoint of AWS %.200q is not a URL", configured)
	}
	return u, nil
}

// refused turns an error of the Lambda API into a response.
func (v *invoker) refused(r *http.Request, resp *http.Response) (*http.Response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		return nil, fmt.Errorf("read the answer of Lambda: %w", err)
	}
	code, message := errorCode(resp.Header), messageOf(body)
	if resp.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("there is no function %s: %s", v.function.Name, message)
	}
	text := strings.Trim(code+": "+message, ": ")
	answer := local(r, resp.StatusCode, "Lambda: "+text)
	if after := resp.Header.Get("Retry-After"); after != "" {
		answer.Header.Set("Retry-After", after)
	} else if resp.StatusCode == http.StatusTooManyRequests {
		answer.Header.Set("Retry-After", "1")
	}
	return answer, nil
}
