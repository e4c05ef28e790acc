// Package fakeaws is a stand-in for the parts of AWS that a deployment needs:
// STS, IAM, Lambda, CloudWatch Logs, tables of DynamoDB and function URLs. It speaks the wire
// formats that the AWS SDK and tools send, and has the difficulties of AWS: a
// new resource is not known everywhere at once, a resource under change cannot
// be changed, and a public URL wants two permissions.
package fakeaws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Account and Region are where everything is.
const (
	Account = "123456789012"
	Region  = "eu-central-1"
)

// A Server is an AWS account with one region. It is an [http.Handler]: serve
// it, and point AWS_ENDPOINT_URL there. Set the fields before that.
type Server struct {
	// Function answers the requests to function URLs. Without one they are
	// answered with 502.
	Function http.Handler

	// Unassumable is how many times a role that is new is refused.
	Unassumable int

	// Settling is how many times a function that was created or updated is
	// reported as still being so.
	Settling int

	// Refusal, when there is one, is why each update comes to nothing.
	Refusal string

	// Invoke runs the functions that are invoked. The default hands the event to
	// Function.
	Invoke Invoke

	// Closed is how many requests to a function URL are refused before its
	// permissions are known.
	Closed int

	mu        sync.Mutex
	hook      func(operation string) *Fault
	roles     map[string]*role
	groups    map[string]*logGroup
	functions map[string]*function
	tables    map[string]*table
	calls     []string
}

// A Fault is how an operation fails.
type Fault struct {
	Status  int    // 400 when it is 0
	Code    string // "AccessDenied"
	Message string
	Late    bool // the operation takes place, but the answer says otherwise
}

func (f *Fault) status() int {
	if f.Status == 0 {
		return http.StatusBadRequest
	}
	return f.Status
}

// fault returns how the fake's own code says no.
func fault(status int, code, format string, args ...any) *Fault {
	return &Fault{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// SetHook sets what is asked about each operation, such as "iam:CreateRole",
// before it takes place. A fault makes it fail; nil lets everything succeed.
func (s *Server) SetHook(hook func(operation string) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// Calls returns the operations that were asked for, oldest first.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// IsWrite reports whether an operation changes anything.
func IsWrite(operation string) bool {
	_, name, _ := strings.Cut(operation, ":")
	for _, reading := range []string{"Get", "List", "Describe", "Filter"} {
		if strings.HasPrefix(name, reading) {
			return false
		}
	}
	return true
}

// Forget forgets the calls.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// Resources names what there is, in alphabetical order.
func (s *Server) Resources() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for name, r := range s.roles {
		all = append(all, "role "+name)
		for _, policy := range r.attached {
			all = append(all, "role "+name+" with "+policy)
		}
		for policy := range r.inline {
			all = append(all, "role "+name+" with its own "+policy)
		}
	}
	for name, g := range s.groups {
		all = append(all, fmt.Sprintf("log group %s for %d days", name, g.retention))
	}
	for name, t := range s.tables {
		all = append(all, t.describe(name))
	}
	for name, f := range s.functions {
		all = append(all, "function "+name)
		if f.loop != "" {
			all = append(all, "function "+name+" with loops: "+f.loop)
		}
		if f.concurrency != nil {
			all = append(all, fmt.Sprintf("function %s with concurrency %d", name, *f.concurrency))
		}
		for alias, version := range f.aliases {
			all = append(all, fmt.Sprintf("alias %s:%s of version %s", name, alias, version))
		}
		for qualifier, u := range f.urls {
			all = append(all, fmt.Sprintf("url of %s:%s, %s, %s", name, qualifier, u.AuthType, u.InvokeMode))
		}
		for qualifier, policy := range f.policies {
			for _, statement := range policy {
				all = append(all, fmt.Sprintf("permission %s of %s:%s", statement.Action, name, qualifier))
			}
		}
	}
	slices.Sort(all)
	return all
}

// ServeHTTP answers a request to any of the services, or to a function URL.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 80<<20)
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, urlPrefix):
		s.serveURL(w, r)
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), tablesTarget):
		s.serveTables(w, r)
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), logsTarget):
		s.serveLogs(w, r)
	case path == "/" && r.Method == http.MethodPost:
		s.serveQuery(w, r)
	case strings.Contains(path, "/functions"), strings.Contains(path, "/tags/"):
		s.serveLambda(w, r)
	default:
		http.NotFound(w, r)
	}
}

// An encoder writes what an operation returns in the format of its service.
type encoder func(out any) ([]byte, error)

// do performs an operation and encodes the result, both under the lock, unless
// a fault is in the way.
func (s *Server) do(operation string, r *http.Request, encode encoder, perform func() (any, *Fault)) ([]byte, *Fault) {
	s.mu.Lock()
	s.calls = append(s.calls, operation)
	hook := s.hook
	s.mu.Unlock()
	var injected *Fault
	if hook != nil {
		injected = hook(operation) // without the lock: it may look at the server
	}
	if injected != nil && !injected.Late {
		return nil, injected
	}
	service, _, _ := strings.Cut(operation, ":")
	if f := checkSignature(r, service); f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out, f := perform()
	if injected != nil || f != nil {
		return nil, cmp.Or(injected, f)
	}
	if out == nil {
		return nil, nil
	}
	body, err := encode(out)
	if err != nil {
		return nil, fault(http.StatusInternalServerError, "ServiceException", "%v", err)
	}
	return body, nil
}

// answer writes an answer. A client that has gone has nobody to tell.
func answer(w http.ResponseWriter, contentType string, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// answerJSON writes the answer of the services that speak JSON.
func answerJSON(w http.ResponseWriter, contentType string, status int, members map[string]string) {
	body, err := json.Marshal(members)
	if err != nil {
		status = http.StatusInternalServerError
	}
	answer(w, contentType, status, body)
}

// checkSignature looks at who signs, for which service and which region. It
// does not verify the signature.
func checkSignature(r *http.Request, service string) *Fault {
	authorization := r.Header.Get("Authorization")
	switch {
	case authorization == "":
		return fault(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case !strings.Contains(authorization, "/"+service+"/aws4_request"):
		return fault(http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to correct service: %q.", service)
	case service != "iam" && !strings.Contains(authorization, "/"+Region+"/"): // IAM is global
		return fault(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	return nil
}
