package fakeaws

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// urlPrefix is the path below which the URLs of the functions are.
const urlPrefix = "/url/"

type urlConfig struct {
	AuthType    string `json:",omitempty"`
	InvokeMode  string `json:",omitempty"`
	FunctionURL string `json:"FunctionUrl,omitempty"`
}

type statementInput struct {
	StatementID           string `json:"StatementId"`
	Action                string
	Principal             string
	FunctionURLAuthType   string `json:"FunctionUrlAuthType"`
	InvokedViaFunctionURL bool   `json:"InvokedViaFunctionUrl"`
}

// A statement is one of the function's policy.
type statement struct {
	Sid       string
	Effect    string
	Principal string
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func (f *function) functionURL(operation, qualifier string, in urlConfig) (any, *Fault) {
	if f.at(qualifier) == nil {
		return nil, noResource()
	}
	if f.urls == nil {
		f.urls = map[string]*urlConfig{}
	}
	if operation == "CreateFunctionUrlConfig" {
		if f.urls[qualifier] != nil {
			return nil, fault(http.StatusConflict, "ResourceConflictException", "FunctionUrlConfig exists for this Lambda function")
		}
		f.urls[qualifier] = &urlConfig{InvokeMode: "BUFFERED", FunctionURL: in.FunctionURL}
	}
	u := f.urls[qualifier]
	if u == nil {
		return nil, noResource()
	}
	if operation == "DeleteFunctionUrlConfig" {
		delete(f.urls, qualifier)
		return nil, nil
	}
	if in.AuthType != "" {
		u.AuthType = in.AuthType
	}
	if in.InvokeMode != "" {
		u.InvokeMode = in.InvokeMode
	}
	return u, nil
}

func (f *function) permission(operation, qualifier, id string, in statementInput) (any, *Fault) {
	if f.at(qualifier) == nil {
		return nil, noResource()
	}
	if f.policies == nil {
		f.policies = map[string][]statement{}
	}
	policy := f.policies[qualifier]
	at := slices.IndexFunc(policy, func(s statement) bool { return s.Sid == id || s.Sid == in.StatementID })
	switch operation {
	case "GetPolicy":
		if len(policy) == 0 {
			return nil, noResource()
		}
		policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": policy})
		if err != nil {
			return nil, fault(http.StatusInternalServerError, "ServiceException", "%v", err)
		}
		return map[string]string{"Policy": string(policy), "RevisionId": "1"}, nil
	case "RemovePermission":
		if at < 0 {
			return nil, fault(http.StatusNotFound, "ResourceNotFoundException", "Statement %s is not found in resource policy.", id)
		}
		f.policies[qualifier] = slices.Delete(policy, at, at+1)
		return nil, nil
	}
	if at >= 0 {
		return nil, fault(http.StatusConflict, "ResourceConflictException", "The statement id (%s) provided already exists.", in.StatementID)
	}
	granted := statement{Sid: in.StatementID, Effect: "Allow", Principal: in.Principal, Action: in.Action, Resource: strings.TrimSuffix(f.FunctionArn+":"+qualifier, ":")}
	switch {
	case in.FunctionURLAuthType != "":
		granted.Condition = map[string]map[string]string{"StringEquals": {"lambda:FunctionUrlAuthType": in.FunctionURLAuthType}}
	case in.InvokedViaFunctionURL:
		granted.Condition = map[string]map[string]string{"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
	}
	f.policies[qualifier] = append(policy, granted)
	return map[string]string{"Statement": "{}"}, nil
}

// serveURL answers a request to the URL of a function's alias live.
func (s *Server) serveURL(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, urlPrefix), "/")
	if !s.admits(name, r) {
		answerJSON(w, "application/json", http.StatusForbidden,
			map[string]string{"Message": "Forbidden. For troubleshooting Function URL authorization issues, see the documentation"})
		return
	}
	if s.Function == nil {
		http.Error(w, "Internal Server Error", http.StatusBadGateway)
		return
	}
	r.URL.Path = "/" + path
	s.Function.ServeHTTP(w, r)
}

func (s *Server) admits(name string, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	switch {
	case f == nil || f.urls["live"] == nil:
		return false
	case f.refusals > 0:
		f.refusals--
		return false
	case f.urls["live"].AuthType == "AWS_IAM":
		return checkSignature(r, "lambda") == nil
	}
	return f.grants("lambda:InvokeFunctionUrl", "StringEquals", "lambda:FunctionUrlAuthType", "NONE") &&
		f.grants("lambda:InvokeFunction", "Bool", "lambda:InvokedViaFunctionUrl", "true")
}

// grants reports whether anybody may do the action under the condition.
func (f *function) grants(action, operator, key, value string) bool {
	return slices.ContainsFunc(f.policies["live"], func(s statement) bool {
		return s.Principal == "*" && s.Action == action && s.Condition[operator][key] == value
	})
}
