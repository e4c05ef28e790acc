package fakeaws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const logsTarget = "Logs_20140328."

type logGroup struct {
	arn       string
	retention int
	tags      map[string]string
	events    []logEvent
}

type logEvent struct {
	EventID   string `json:"eventId"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// logsInput is the union of what the operations take.
type logsInput struct {
	LogGroupName       string            `json:"logGroupName"`
	LogGroupNamePrefix string            `json:"logGroupNamePrefix"`
	ResourceArn        string            `json:"resourceArn"`
	RetentionInDays    int               `json:"retentionInDays"`
	Tags               map[string]string `json:"tags"`
	StartTime          int64             `json:"startTime"`
	NextToken          string            `json:"nextToken"`
}

// pageSize is how many events an answer holds.
const pageSize = 3

// serveLogs speaks JSON 1.1, with the operation in a header.
func (s *Server) serveLogs(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), logsTarget)
	var in logsInput
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, f := s.do("logs:"+operation, r, json.Marshal, func() (any, *Fault) { return s.logs(operation, in) })
	const contentType = "application/x-amz-json-1.1"
	if f != nil {
		answerJSON(w, contentType, f.status(), map[string]string{"__type": f.Code, "message": f.Message})
		return
	}
	answer(w, contentType, http.StatusOK, out)
}

func (s *Server) logs(operation string, in logsInput) (any, *Fault) {
	switch operation {
	case "DescribeLogGroups":
		return s.describeLogGroups(in.LogGroupNamePrefix), nil
	case "ListTagsForResource":
		for _, g := range s.groups {
			if g.arn == in.ResourceArn {
				return map[string]any{"tags": g.tags}, nil
			}
		}
		return nil, fault(http.StatusBadRequest, "ResourceNotFoundException", "The specified resource does not exist.")
	case "CreateLogGroup":
		if s.groups[in.LogGroupName] != nil {
			return nil, fault(http.StatusBadRequest, "ResourceAlreadyExistsException", "The specified log group already exists")
		}
		s.putGroup(in.LogGroupName, in.Tags)
		return nil, nil
	}
	g := s.groups[in.LogGroupName]
	if g == nil {
		return nil, fault(http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
	}
	switch operation {
	case "PutRetentionPolicy":
		g.retention = in.RetentionInDays
		return nil, nil
	case "DeleteLogGroup":
		delete(s.groups, in.LogGroupName)
		return nil, nil
	case "FilterLogEvents":
		return g.filter(in), nil
	}
	return nil, fault(http.StatusBadRequest, "UnknownOperationException", "%s", operation)
}

func (s *Server) describeLogGroups(prefix string) any {
	type description struct {
		LogGroupName    string `json:"logGroupName"`
		Arn             string `json:"arn"`
		RetentionInDays int    `json:"retentionInDays,omitempty"`
	}
	found := []description{}
	for name, g := range s.groups {
		if strings.HasPrefix(name, prefix) {
			found = append(found, description{name, g.arn + ":*", g.retention})
		}
	}
	slices.SortFunc(found, func(a, b description) int { return cmp.Compare(a.LogGroupName, b.LogGroupName) })
	return map[string]any{"logGroups": found}
}

func (g *logGroup) filter(in logsInput) any {
	var events []logEvent
	for _, e := range g.events {
		if e.Timestamp >= in.StartTime {
			events = append(events, e)
		}
	}
	start, err := strconv.Atoi(in.NextToken)
	if err != nil {
		start = 0 // the first page
	}
	out := map[string]any{}
	if end := start + pageSize; end < len(events) {
		out["nextToken"] = fmt.Sprint(end)
		events = events[:end]
	}
	out["events"] = append([]logEvent{}, events[min(start, len(events)):]...)
	return out
}

func (s *Server) putGroup(name string, tags map[string]string) {
	if s.groups == nil {
		s.groups = map[string]*logGroup{}
	}
	s.groups[name] = &logGroup{arn: "arn:aws:logs:" + Region + ":" + Account + ":log-group:" + name, tags: tags}
}

// AddLogGroup adds a log group, as somebody else would.
func (s *Server) AddLogGroup(name string, tags map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putGroup(name, tags)
}

// Log adds an event to a log group that exists.
func (s *Server) Log(group string, at time.Time, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[group]
	g.events = append(g.events, logEvent{fmt.Sprint(len(g.events)), at.UnixMilli(), message})
}
