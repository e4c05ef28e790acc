package awsauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxRefusal bounds how much is read of AWS's refusal of a request.
const maxRefusal = 16 << 10

// A refusal is AWS's answer to a request that it refuses.
type refusal struct {
	status  int
	code    string // such as AccessDeniedException
	message string
	expired bool
	skew    time.Duration // of this machine's clock, where the server tells the time
}

// refusal returns AWS's refusal, or nil if the server itself has answered.
// The server's answer stays unchanged. Function URLs and API Gateways refuse
// with 403 (Lambda, "Control access to Lambda function URLs"; API Gateway,
// "Gateway response types"), and APIs with 400 too. The server may use the same
// statuses: a refusal of AWS is recognized by its text.
func (s *signer) refusal(resp *http.Response) (*refusal, error) {
	code := errorCode(resp.Header)
	if resp.StatusCode != http.StatusForbidden && (resp.StatusCode != http.StatusBadRequest || code == "") {
		return nil, nil //nolint:nilnil // nothing was refused
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		resp.Body.Close()
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	r := &refusal{status: resp.StatusCode, code: code, message: messageOf(body)}
	why := r.kind()
	if why == kindOther && (code == "" || resp.StatusCode != http.StatusForbidden) {
		resp.Body = readCloser{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
		return nil, nil //nolint:nilnil // the server itself has refused it
	}
	resp.Body.Close()
	r.expired = why == kindExpired
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.skew = s.config.Now().Sub(date).Round(time.Second)
	}
	return r, nil
}

// errorCode returns the code of an error, which may be followed by a URL (AWS
// restJson1 protocol, "Operation error serialization").
func errorCode(h http.Header) string {
	code, _, _ := strings.Cut(h.Get("X-Amzn-Errortype"), ":")
	if _, name, ok := strings.Cut(code, "#"); ok {
		code = name
	}
	return clean(code)
}

// messageOf returns the message of an error, or "". Lambda and API Gateway spell
// the member in different cases, which package json ignores.
func messageOf(body []byte) string {
	var e struct {
		Version json.RawMessage `json:"jsonrpc"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil || e.Version != nil {
		return ""
	}
	return clean(e.Message)
}

// A refusalKind is a reason to refuse a request.
type refusalKind int

const (
	kindOther refusalKind = iota
	kindExpired
	kindClock
	kindUnknown // the credentials
	kindScope
	kindSignature
	kindDenied
)

// kinds recognizes a kind by the code, or by part of the message: several kinds
// have the same code, and Function URLs and API Gateways leave it out.
var kinds = []struct {
	kind   refusalKind
	code   string
	phrase string
}{
	{kindExpired, "ExpiredToken", "security token included in the request is expired"},
	{kindClock, "RequestExpired", "Signature expired"},
	{kindClock, "RequestTimeTooSkewed", "Signature not yet current"},
	{kindUnknown, "UnrecognizedClient", "security token included in the request is invalid"},
	{kindUnknown, "InvalidClientTokenId", "The security token included"},
	{kindScope, "", "Credential should be scoped to"},
	{kindSignature, "SignatureDoesNotMatch", "request signature we calculated does not match"},
	{kindSignature, "InvalidSignature", "Missing Authentication Token"},
	{kindSignature, "MissingAuthenticationToken", "IncompleteSignature"},
	{kindDenied, "AccessDenied", "is not authorized to perform"},
	{kindDenied, "", "Function URL authorization issues"},
}

func (r *refusal) kind() refusalKind {
	for _, k := range kinds { // the message says more
		if strings.Contains(r.message, k.phrase) {
			return k.kind
		}
	}
	for _, k := range kinds {
		if k.code != "" && strings.HasPrefix(r.code, k.code) {
			return k.kind
		}
	}
	return kindOther
}

// explain says what is wrong, and what to do about it.
func (r *refusal) explain(service string) error {
	text := "AWS refuses the request"
	hint := "ask the server's operator"
	switch r.kind() {
	case kindExpired:
		text, hint = "the AWS credentials have expired", "run aws sso login, or get new credentials"
	case kindClock:
		text, hint = "the clock of this machine differs from AWS's clock", "set the clock; a signature is good for 5 minutes"
		switch {
		case r.skew >= time.Minute:
			text = fmt.Sprintf("the clock of this machine is %s ahead of AWS's clock", r.skew)
		case r.skew <= -time.Minute:
			text = fmt.Sprintf("the clock of this machine is %s behind AWS's clock", -r.skew)
		}
	case kindUnknown:
		text, hint = "AWS does not know the credentials", "look them up with aws sts get-caller-identity; temporary credentials need AWS_SESSION_TOKEN too"
	case kindScope:
		text, hint = "the signature is for another region or service", "name the right ones with --aws-region and --aws-service"
	case kindSignature:
		text, hint = "AWS finds the signature wrong", "check the secret access key; a proxy that changes requests breaks signatures too"
	case kindDenied:
		text, hint = "the AWS credentials are not allowed to do this", "ask for a policy that allows "+permission(service, r.message)+", or name another profile with --aws-profile"
	}
	for _, detail := range []string{r.code, r.message} {
		if detail != "" {
			text += ": " + detail
		}
	}
	return unauthorized(r.status, text, hint)
}

// permission returns the missing permission, from the message or else from the
// service.
func permission(service, message string) string {
	if _, rest, ok := strings.Cut(message, "not authorized to perform: "); ok {
		action, _, _ := strings.Cut(rest, " ")
		return action
	}
	if service == "lambda" {
		return "lambda:InvokeFunctionUrl and lambda:InvokeFunction"
	}
	return service + ":Invoke"
}

// A readCloser reads from one and closes another, if there is one.
type readCloser struct {
	io.Reader
	closer io.Closer
}

func (r readCloser) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}
