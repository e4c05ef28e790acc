package fakeaws

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path"
	"regexp"
	"strings"
)

type function struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string
	Handler          string
	CodeSize         int
	CodeSha256       string
	Timeout          int
	MemorySize       int
	PackageType      string
	Architectures    []string
	Environment      struct{ Variables map[string]string }
	State            string
	StateReason      string `json:",omitempty"`
	LastUpdateStatus string
	LastModified     string
	Version          string

	LastUpdateStatusReason string `json:",omitempty"`

	image       string
	zipFile     []byte
	tags        map[string]string
	concurrency *int
	loop        string // of invocations by itself
	versions    []*function
	changed     bool              // since the last version
	aliases     map[string]string // to versions
	urls        map[string]*urlConfig
	policies    map[string][]statement
	settling    int
	refusals    int // of requests to the URL
}

// functionInput is the union of what the operations take.
type functionInput struct {
	FunctionName  string
	Runtime       string
	Role          string
	Handler       string
	Timeout       int
	MemorySize    int
	Architectures []string
	Environment   *struct{ Variables map[string]string }
	Code          codeInput
	codeInput
	Tags map[string]string

	ReservedConcurrentExecutions int
	RecursiveLoop                string

	Name, FunctionVersion string // of an alias
	urlConfig
	statementInput
}

type codeInput struct {
	ZipFile  []byte
	ImageURI string `json:"ImageUri"`
}

// lambdaPath takes the path of an operation apart.
var lambdaPath = regexp.MustCompile(`^/20[0-9-]+/functions(?:/([^/]+))?(/code|/configuration|/url|/concurrency|/policy|/recursion-config|/versions|/aliases|/invocations)?(?:/([^/]+))?/?$`)

// operations are the names of what a method does to a path.
var operations = map[string]string{
	"POST /invocations":     "Invoke",
	"GET /versions":         "ListVersionsByFunction",
	"POST /versions":        "PublishVersion",
	"GET /aliases":          "GetAlias",
	"POST /aliases":         "CreateAlias",
	"PUT /aliases":          "UpdateAlias",
	"POST ":                 "CreateFunction",
	"GET ":                  "GetFunction",
	"DELETE ":               "DeleteFunction",
	"PUT /code":             "UpdateFunctionCode",
	"PUT /configuration":    "UpdateFunctionConfiguration",
	"GET /url":              "GetFunctionUrlConfig",
	"POST /url":             "CreateFunctionUrlConfig",
	"PUT /url":              "UpdateFunctionUrlConfig",
	"DELETE /url":           "DeleteFunctionUrlConfig",
	"PUT /concurrency":      "PutFunctionConcurrency",
	"DELETE /concurrency":   "DeleteFunctionConcurrency",
	"GET /recursion-config": "GetFunctionRecursionConfig",
	"PUT /recursion-config": "PutFunctionRecursionConfig",
	"GET /policy":           "GetPolicy",
	"POST /policy":          "AddPermission",
	"DELETE /policy":        "RemovePermission",
}

// serveLambda speaks REST with JSON.
func (s *Server) serveLambda(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutSuffix(r.URL.Path, invocation); ok && r.Method == http.MethodPost {
		name = path.Base(name)
		s.serveInvoke(w, r, name[strings.LastIndex(name, ":")+1:]) // of an ARN
		return
	}
	if _, arn, ok := strings.Cut(r.URL.Path, "/tags/"); ok && r.Method == http.MethodPost {
		s.serveTags(w, r, arn)
		return
	}
	parts := lambdaPath.FindStringSubmatch(r.URL.Path)
	if parts == nil || operations[r.Method+" "+parts[2]] == "" {
		http.NotFound(w, r)
		return
	}
	operation := operations[r.Method+" "+parts[2]]
	if operation == "GetFunction" && parts[1] == "" {
		operation = "ListFunctions"
	}
	var in functionInput
	body, err := io.ReadAll(r.Body)
	if operation == "Invoke" {
		s.serveWholeInvoke(w, r, parts[1], body)
		return
	}
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in.FunctionURL = "http://" + r.Host + urlPrefix + parts[1] + "/"
	out, f := s.do("lambda:"+operation, r, json.Marshal, func() (any, *Fault) {
		return s.lambda(operation, parts[1], r.URL.Query().Get("Qualifier"), parts[3], in)
	})
	const contentType = "application/json"
	switch {
	case f != nil:
		w.Header().Set("X-Amzn-ErrorType", f.Code)
		answerJSON(w, contentType, f.status(), map[string]string{"Type": "User", "Message": f.Message})
	case out == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, contentType, http.StatusOK, out)
	}
}

// serveTags answers TagResource.
func (s *Server) serveTags(w http.ResponseWriter, r *http.Request, arn string) {
	var in struct{ Tags map[string]string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, f := s.do("lambda:TagResource", r, json.Marshal, func() (any, *Fault) {
		f := s.functions[arn[strings.LastIndex(arn, ":")+1:]]
		if f == nil {
			return nil, fault(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", arn)
		}
		maps.Copy(f.tags, in.Tags)
		return nil, nil
	})
	if f != nil {
		w.Header().Set("X-Amzn-ErrorType", f.Code)
		answerJSON(w, "application/json", f.status(), map[string]string{"Type": "User", "Message": f.Message})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) lambda(operation, name, qualifier, id string, in functionInput) (any, *Fault) {
	switch operation {
	case "CreateFunction":
		return s.createFunction(in)
	case "ListFunctions":
		return s.listFunctions(), nil
	}
	f := s.functions[name]
	if f == nil {
		return nil, fault(http.StatusNotFound, "ResourceNotFoundException", "Function not found: arn:aws:lambda:%s:%s:function:%s", Region, Account, name)
	}
	switch operation {
	case "GetFunction":
		v := f.at(qualifier)
		if v == nil {
			return nil, noResource()
		}
		return s.getFunction(v), nil
	case "ListVersionsByFunction", "PublishVersion":
		return f.version(operation)
	case "GetAlias", "CreateAlias", "UpdateAlias":
		return f.alias(operation, cmp.Or(id, in.Name), in.FunctionVersion)
	case "DeleteFunction":
		delete(s.functions, name)
		return nil, nil
	case "UpdateFunctionCode", "UpdateFunctionConfiguration":
		return s.updateFunction(f, operation, in)
	case "PutFunctionConcurrency":
		f.concurrency = &in.ReservedConcurrentExecutions
		return map[string]int{"ReservedConcurrentExecutions": *f.concurrency}, nil
	case "DeleteFunctionConcurrency":
		f.concurrency = nil
		return nil, nil
	case "GetFunctionRecursionConfig":
		return map[string]string{"RecursiveLoop": cmp.Or(f.loop, "Terminate")}, nil
	case "PutFunctionRecursionConfig":
		f.loop = in.RecursiveLoop
		return map[string]string{"RecursiveLoop": f.loop}, nil
	case "GetPolicy", "AddPermission", "RemovePermission":
		return f.permission(operation, qualifier, id, in.statementInput)
	}
	return f.functionURL(operation, qualifier, in.urlConfig)
}

func (s *Server) createFunction(in functionInput) (any, *Fault) {
	if s.functions[in.FunctionName] != nil {
		return nil, fault(http.StatusConflict, "ResourceConflictException", "Function already exist: %s", in.FunctionName)
	}
	if f := s.checkRole(in.Role); f != nil {
		return nil, f
	}
	if f := in.Code.check(); f != nil {
		return nil, f
	}
	f := &function{
		FunctionName:  in.FunctionName,
		FunctionArn:   "arn:aws:lambda:" + Region + ":" + Account + ":function:" + in.FunctionName,
		PackageType:   "Zip",
		Architectures: []string{"x86_64"},
		Timeout:       3,
		MemorySize:    128,
		State:         "Pending",
		Version:       latest,
		tags:          in.Tags,
		refusals:      s.Closed,
	}
	f.configure(in)
	if in.Code.ImageURI != "" {
		f.PackageType = "Image"
	}
	f.code(in.Code, in.Architectures)
	s.settle(f)
	s.putFunction(f)
	return f, nil
}

func (s *Server) putFunction(f *function) {
	if s.functions == nil {
		s.functions = map[string]*function{}
	}
	s.functions[f.FunctionName] = f
}

// AddFunction adds a function, as somebody else would who knows how mcpengine names
// roles.
func (s *Server) AddFunction(name string, tags map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putFunction(&function{FunctionName: name, Role: "arn:aws:iam::" + Account + ":role/mcpengine-" + name + "-" + Region, PackageType: "Zip", State: "Active", LastUpdateStatus: "Successful", Version: latest, tags: tags})
}

// Break makes a function what it is when Lambda could not create it.
func (s *Server) Break(name, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[name].State, s.functions[name].StateReason = "Failed", reason
}

func (s *Server) getFunction(f *function) any {
	if f.settling > 0 {
		f.settling--
	} else {
		if f.State == "Pending" {
			f.State = "Active"
		}
		if f.LastUpdateStatus == "InProgress" {
			f.LastUpdateStatus, f.LastUpdateStatusReason = "Successful", s.Refusal
			if s.Refusal != "" {
				f.LastUpdateStatus = "Failed"
			}
		}
	}
	out := map[string]any{"Configuration": f, "Tags": f.tags, "Code": map[string]string{"RepositoryType": "S3"}}
	if f.image != "" {
		out["Code"] = map[string]string{"RepositoryType": "ECR", "ImageUri": f.image, "ResolvedImageUri": f.image}
	}
	if f.concurrency != nil {
		out["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *f.concurrency}
	}
	return out
}

func (s *Server) updateFunction(f *function, operation string, in functionInput) (any, *Fault) {
	if f.State == "Pending" || f.LastUpdateStatus == "InProgress" {
		return nil, fault(http.StatusConflict, "ResourceConflictException",
			"The operation cannot be performed at this time. An update is in progress for resource: %s", f.FunctionArn)
	}
	if operation == "UpdateFunctionCode" {
		if no := in.check(); no != nil {
			return nil, no
		}
		f.code(in.codeInput, in.Architectures)
	} else {
		if no := s.checkRole(in.Role); no != nil {
			return nil, no
		}
		f.configure(in)
	}
	s.settle(f)
	return f, nil
}

func (f *function) configure(in functionInput) {
	f.Runtime, f.Role, f.Handler = in.Runtime, in.Role, in.Handler
	if in.Timeout != 0 {
		f.Timeout = in.Timeout
	}
	if in.MemorySize != 0 {
		f.MemorySize = in.MemorySize
	}
	if in.Environment != nil {
		f.Environment = *in.Environment
	}
}

func (f *function) code(in codeInput, architectures []string) {
	sum := sha256.Sum256(in.ZipFile)
	f.zipFile, f.image = in.ZipFile, in.ImageURI
	f.CodeSize, f.CodeSha256 = len(in.ZipFile), base64.StdEncoding.EncodeToString(sum[:])
	if len(architectures) > 0 {
		f.Architectures = architectures
	}
}

// Code returns the zip file of a function as callers reach it, or nil if the
// function does not exist.
func (s *Server) Code(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.functions[name]; f != nil {
		return cmp.Or(f.at("live"), f).zipFile
	}
	return nil
}

// Environment returns the environment variables of a function, or nil if the
// function does not exist.
func (s *Server) Environment(name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.functions[name]; f != nil {
		return maps.Clone(f.Environment.Variables)
	}
	return nil
}

// settle begins the time in which a function is being changed.
func (s *Server) settle(f *function) {
	f.settling, f.LastUpdateStatus, f.changed = s.Settling, "InProgress", true
	f.LastModified = "2026-11-22T12:00:00.000+0000"
}

func (s *Server) checkRole(arn string) *Fault {
	for _, r := range s.roles {
		if r.arn != arn {
			continue
		}
		if r.refusals == 0 {
			return nil
		}
		r.refusals--
	}
	return fault(http.StatusBadRequest, "InvalidParameterValueException",
		"The role defined for the function cannot be assumed by Lambda.")
}

// check wants an executable named bootstrap, or an image.
func (c codeInput) check() *Fault {
	if c.ImageURI != "" {
		return nil
	}
	return checkZip(c.ZipFile)
}

// checkZip wants an executable named bootstrap.
func checkZip(data []byte) *Fault {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fault(http.StatusBadRequest, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	for _, file := range archive.File {
		if file.Name == "bootstrap" && file.Mode().Perm() == 0o755 {
			return nil
		}
	}
	return fault(http.StatusBadRequest, "InvalidParameterValueException", "the fake wants an executable bootstrap: %s", strings.Join(names(archive), " "))
}

func names(archive *zip.Reader) []string {
	var all []string
	for _, file := range archive.File {
		all = append(all, file.Name)
	}
	return all
}
