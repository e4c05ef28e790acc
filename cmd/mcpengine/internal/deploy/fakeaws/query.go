package fakeaws

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type role struct {
	path, arn, trust string
	tags             map[string]string
	attached         []string
	inline           map[string]string
	refusals         int // how often it cannot be assumed yet
}

// serveQuery speaks the query protocol of STS and IAM: a form in, XML out.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	action, service := form.Get("Action"), "iam"
	if form.Get("Version") == "2011-06-15" {
		service = "sts"
	}
	result, f := s.do(service+":"+action, r, xml.Marshal, func() (any, *Fault) { return s.query(action, form) })
	if f != nil {
		body, err := xml.Marshal(queryError{Type: "Sender", Code: f.Code, Message: f.Message, RequestID: "fake"})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, "text/xml", f.status(), body)
		return
	}
	answer(w, "text/xml", http.StatusOK, fmt.Appendf(nil,
		"<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>fake</RequestId></ResponseMetadata></%[1]sResponse>",
		action, result))
}

type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func (s *Server) query(action string, form url.Values) (any, *Fault) {
	name := form.Get("RoleName")
	switch action {
	case "GetCallerIdentity":
		return []any{
			element("Arn", "arn:aws:iam::"+Account+":user/tester"),
			element("UserId", "AIDATESTER"),
			element("Account", Account),
		}, nil
	case "CreateRole":
		return s.createRole(name, form)
	}
	r := s.roles[name]
	if r == nil {
		return nil, fault(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", name)
	}
	policy := form.Get("PolicyArn")
	switch action {
	case "GetRole":
		return r.element(name), nil
	case "ListAttachedRolePolicies":
		return r.policies(), nil
	case "ListRolePolicies":
		return r.inlineNames(), nil
	case "GetRolePolicy", "PutRolePolicy", "DeleteRolePolicy":
		return r.inlinePolicy(action, name, form)
	case "AttachRolePolicy":
		if !slices.Contains(r.attached, policy) {
			r.attached = append(r.attached, policy)
		}
		return nil, nil
	case "DetachRolePolicy":
		at := slices.Index(r.attached, policy)
		if at < 0 {
			return nil, fault(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", policy)
		}
		r.attached = slices.Delete(r.attached, at, at+1)
		return nil, nil
	case "DeleteRole":
		if len(r.attached)+len(r.inline) > 0 {
			return nil, fault(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		}
		delete(s.roles, name)
		return nil, nil
	}
	return nil, fault(http.StatusBadRequest, "InvalidAction", "Could not find operation %s", action)
}

func (s *Server) createRole(name string, form url.Values) (any, *Fault) {
	if s.roles[name] != nil {
		return nil, fault(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	if len(name) == 0 || len(name) > 64 {
		return nil, fault(http.StatusBadRequest, "ValidationError", "1 validation error detected: roleName")
	}
	r := &role{
		path:     "/",
		arn:      "arn:aws:iam::" + Account + ":role/" + name,
		trust:    form.Get("AssumeRolePolicyDocument"),
		tags:     map[string]string{},
		refusals: s.Unassumable,
	}
	if !strings.Contains(r.trust, `"lambda.amazonaws.com"`) {
		r.refusals = 1 << 30
	}
	for i := 1; form.Has("Tags.member." + strconv.Itoa(i) + ".Key"); i++ {
		member := "Tags.member." + strconv.Itoa(i)
		r.tags[form.Get(member+".Key")] = form.Get(member + ".Value")
	}
	s.put(name, r)
	return r.element(name), nil
}

func (s *Server) put(name string, r *role) {
	if s.roles == nil {
		s.roles = map[string]*role{}
	}
	s.roles[name] = r
}

// AddRole adds a role, as somebody else would.
func (s *Server) AddRole(name string, tags map[string]string, policies ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(name, &role{path: "/", arn: "arn:aws:iam::" + Account + ":role/" + name, tags: tags, attached: policies})
}

// A node is an XML element.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node
}

func element(name, text string, children ...node) node {
	return node{XMLName: xml.Name{Local: name}, Text: text, Children: children}
}

func (r *role) element(name string) node {
	var tags []node
	for key, value := range r.tags {
		tags = append(tags, element("member", "", element("Key", key), element("Value", value)))
	}
	return element("Role", "",
		element("Path", r.path), element("RoleName", name), element("RoleId", "AROATEST"), element("Arn", r.arn),
		element("CreateDate", "2026-11-01T00:00:00Z"),
		element("AssumeRolePolicyDocument", url.QueryEscape(r.trust)),
		element("Tags", "", tags...))
}

func (r *role) inlineNames() []any {
	var members []node
	for _, name := range slices.Sorted(maps.Keys(r.inline)) {
		members = append(members, element("member", name))
	}
	return []any{element("PolicyNames", "", members...), element("IsTruncated", "false")}
}

func (r *role) inlinePolicy(action, role string, form url.Values) (any, *Fault) {
	name := form.Get("PolicyName")
	document, ok := r.inline[name]
	switch {
	case action == "PutRolePolicy":
		if r.inline == nil {
			r.inline = map[string]string{}
		}
		r.inline[name] = form.Get("PolicyDocument")
		return nil, nil
	case !ok:
		return nil, fault(http.StatusNotFound, "NoSuchEntity", "The role policy with name %s cannot be found.", name)
	case action == "DeleteRolePolicy":
		delete(r.inline, name)
		return nil, nil
	}
	return []any{element("RoleName", role), element("PolicyName", name), element("PolicyDocument", url.QueryEscape(document))}, nil
}

func (r *role) policies() []any {
	var members []node
	for _, arn := range r.attached {
		members = append(members, element("member", "",
			element("PolicyName", arn[strings.LastIndex(arn, "/")+1:]), element("PolicyArn", arn)))
	}
	return []any{element("AttachedPolicies", "", members...), element("IsTruncated", "false")}
}

// Role returns who may take on a role, and its inline policies by name.
func (s *Server) Role(name string) (trust string, policies map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roles[name]
	return r.trust, maps.Clone(r.inline)
}

// Policy returns an inline policy of a role.
func (s *Server) Policy(role, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.roles[role]; r != nil {
		return r.inline[name]
	}
	return ""
}
