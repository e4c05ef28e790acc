package fakeaws

import (
	"net/http"
	"slices"
	"strconv"
)

const latest = "$LATEST"

func noResource() *Fault {
	return fault(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
}

// at returns what a qualifier names: a version, by its number or an alias, or the
// function itself. It returns nil if there is no such version.
func (f *function) at(qualifier string) *function {
	if qualifier == "" || qualifier == latest {
		return f
	}
	if version, ok := f.aliases[qualifier]; ok {
		qualifier = version
	}
	at := slices.IndexFunc(f.versions, func(v *function) bool { return v.Version == qualifier })
	if at < 0 {
		return nil
	}
	return f.versions[at]
}

func (f *function) version(operation string) (any, *Fault) {
	if operation == "ListVersionsByFunction" {
		return map[string]any{"Versions": append([]*function{f}, f.versions...)}, nil
	}
	switch {
	case f.State == "Pending" || f.LastUpdateStatus == "InProgress":
		return nil, fault(http.StatusConflict, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: %s", f.FunctionArn)
	case !f.changed && len(f.versions) > 0:
		return f.versions[len(f.versions)-1], nil
	}
	v := *f
	v.Version = strconv.Itoa(len(f.versions) + 1)
	v.FunctionArn += ":" + v.Version
	v.tags, v.concurrency = nil, nil // they belong to the function
	f.versions, f.changed = append(f.versions, &v), false
	return &v, nil
}

func (f *function) alias(operation, name, version string) (any, *Fault) {
	have, found := f.aliases[name]
	switch {
	case operation == "CreateAlias" && found:
		return nil, fault(http.StatusConflict, "ResourceConflictException", "Alias already exists: %s:%s", f.FunctionArn, name)
	case operation != "CreateAlias" && !found, operation != "GetAlias" && f.at(version) == nil:
		return nil, noResource()
	case operation == "GetAlias":
		version = have
	}
	if f.aliases == nil {
		f.aliases = map[string]string{}
	}
	f.aliases[name] = version
	return map[string]string{"Name": name, "FunctionVersion": version, "AliasArn": f.FunctionArn + ":" + name}, nil
}

// listFunctions returns all functions. The caller holds the lock.
func (s *Server) listFunctions() any {
	all := []*function{}
	for _, f := range s.functions {
		all = append(all, f)
	}
	return map[string]any{"Functions": all}
}
