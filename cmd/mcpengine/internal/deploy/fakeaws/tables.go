package fakeaws

import (
	"encoding/json"
	"net/http"
	"strings"
)

const tablesTarget = "DynamoDB_20120810."

type table struct {
	in       tablesInput // that it was made with
	ttl      string
	settling int
}

type keyElement struct{ AttributeName, KeyType string }

// tablesInput is the union of what the operations take.
type tablesInput struct {
	TableName              string
	BillingMode            string
	ResourceArn            string
	KeySchema              []keyElement
	GlobalSecondaryIndexes []struct {
		IndexName string
		KeySchema []keyElement
	}
	Tags                    []struct{ Key, Value string }
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       bool
	}
}

func tableARN(name string) string {
	return "arn:aws:dynamodb:" + Region + ":" + Account + ":table/" + name
}

// describe says how the table is made.
func (t *table) describe(name string) string {
	keys := func(schema []keyElement) string {
		var names []string
		for _, k := range schema {
			names = append(names, k.AttributeName)
		}
		return strings.Join(names, "+")
	}
	parts := []string{"table " + name, t.in.BillingMode, "by " + keys(t.in.KeySchema)}
	for _, index := range t.in.GlobalSecondaryIndexes {
		parts = append(parts, index.IndexName+" by "+keys(index.KeySchema))
	}
	if t.ttl != "" {
		parts = append(parts, "expires by "+t.ttl)
	}
	return strings.Join(parts, ", ")
}

// serveTables speaks JSON 1.0, with the operation in a header.
func (s *Server) serveTables(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), tablesTarget)
	var in tablesInput
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, f := s.do("dynamodb:"+operation, r, json.Marshal, func() (any, *Fault) { return s.table(operation, in) })
	const contentType = "application/x-amz-json-1.0"
	if f != nil {
		answerJSON(w, contentType, f.status(), map[string]string{"__type": f.Code, "message": f.Message})
		return
	}
	answer(w, contentType, http.StatusOK, out)
}

func (s *Server) table(operation string, in tablesInput) (any, *Fault) {
	name := in.TableName
	if name == "" {
		name = strings.TrimPrefix(in.ResourceArn, tableARN(""))
	}
	t := s.tables[name]
	if operation == "CreateTable" {
		if t != nil {
			return nil, fault(http.StatusBadRequest, "ResourceInUseException", "Table already exists: %s", name)
		}
		if s.tables == nil {
			s.tables = map[string]*table{}
		}
		s.tables[name] = &table{in: in, settling: s.Settling}
		return map[string]any{}, nil
	}
	if t == nil {
		return nil, fault(http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	switch operation {
	case "DescribeTable":
		status := "ACTIVE"
		if t.settling > 0 {
			t.settling--
			status = "CREATING"
		}
		return map[string]any{"Table": map[string]string{"TableName": name, "TableArn": tableARN(name), "TableStatus": status}}, nil
	case "ListTagsOfResource":
		return map[string]any{"Tags": t.in.Tags}, nil
	case "DescribeTimeToLive":
		status := "DISABLED"
		if t.ttl != "" {
			status = "ENABLED"
		}
		return map[string]any{"TimeToLiveDescription": map[string]string{"TimeToLiveStatus": status}}, nil
	case "UpdateTimeToLive":
		if t.settling > 0 {
			return nil, fault(http.StatusBadRequest, "ResourceInUseException", "Table is being created: %s", name)
		}
		t.ttl = in.TimeToLiveSpecification.AttributeName
		return map[string]any{}, nil
	case "DeleteTable":
		delete(s.tables, name)
		return map[string]any{}, nil
	}
	return nil, fault(http.StatusBadRequest, "UnknownOperationException", "%s", operation)
}

// AddTable adds a table, as somebody else would.
func (s *Server) AddTable(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables == nil {
		s.tables = map[string]*table{}
	}
	s.tables[name] = &table{}
}
