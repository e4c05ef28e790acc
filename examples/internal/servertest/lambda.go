package servertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// A Function is a server that runs as the bootstrap of an AWS Lambda function,
// on a stand-in for the platform.
type Function struct {
	URL string // without a path

	log safeBuffer
}

// Log is what the instances have written.
func (f *Function) Log() string { return f.log.String() }

// StartFunction runs a program as a function of several instances, which are
// frozen between requests, and ends it with the test.
func StartFunction(t testing.TB, program string, instances int, env ...string) *Function {
	t.Helper()
	f := &Function{}
	platform, err := locallambda.New(t.Context(), locallambda.Options{
		Bootstrap: program, Instances: instances, Freeze: true, Env: env, Log: &f.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Stop)
	f.URL = platform.URL()
	return f
}

// A Secret stands in for the AWS Secrets Manager that holds one secret.
type Secret struct {
	url string

	mu     sync.Mutex
	values []string
	reads  int
}

// ARN is the ARN of the secret.
const ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:board-AbCdEf"

// NewSecret serves a secret for as long as the test lasts.
func NewSecret(t testing.TB) *Secret {
	t.Helper()
	s := &Secret{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// Env is what a function needs to read the secret, as AWS sets it.
func (s *Secret) Env() []string {
	return []string{
		"DB_SECRET_ARN=" + ARN, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + s.url,
		"AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=key", "AWS_SESSION_TOKEN=session",
	}
}

// Set sets the values of the secret. Each but the last one is read once.
func (s *Secret) Set(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = values
}

// Reads is how often the secret was read.
func (s *Secret) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// ServeHTTP answers GetSecretValue. Without a value the caller is told that it
// has no right to it.
func (s *Secret) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	body, _ := io.ReadAll(r.Body)
	var request struct {
		SecretID string `json:"SecretId"`
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || r.Header.Get("Authorization") == "",
		json.Unmarshal(body, &request) != nil || request.SecretID != ARN, len(s.values) == 0:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not authorized"}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"ARN": ARN, "Name": "board", "SecretString": s.values[0]})
	if len(s.values) > 1 {
		s.values = s.values[1:]
	}
}
