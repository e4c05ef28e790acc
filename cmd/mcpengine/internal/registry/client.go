package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	api        = "/v0.1" // the version of the registry's API that does not change
	maxAnswer  = 1 << 20 // bytes of an answer
	maxIssues  = 16      // that are repeated
	maxMessage = 500     // bytes of one that are repeated
	patience   = time.Minute
	download   = 10 * time.Minute // for a bundle
)

// A Client speaks to one registry.
type Client struct {
	URL       string            // without a slash at the end
	Transport http.RoundTripper // nil is the default one
}

// do sends a request, with a JSON body if there is one, and returns the answer. It
// follows no redirect, which could take a token elsewhere.
func (c *Client) do(ctx context.Context, method, address, token string, body any) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("%s %s: an answer of more than %d KiB", method, withoutQuery(address), maxAnswer>>10)
	}
	return resp.StatusCode, answer, err
}

func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// version returns the status with which the registry answers for a version.
func (c *Client) version(ctx context.Context, name, version string) (int, error) {
	status, _, err := c.do(ctx, http.MethodGet, c.URL+api+"/servers/"+url.PathEscape(name)+"/versions/"+url.PathEscape(version), "", nil)
	return status, err
}

// validate returns what the registry finds wrong.
func (c *Client) validate(ctx context.Context, s *Server) ([]string, error) {
	status, answer, err := c.do(ctx, http.MethodPost, c.URL+api+"/validate", "", s)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, problem("validate", status, answer)
	}
	var result struct {
		Valid  bool
		Issues []struct{ Path, Message, Severity string }
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	var issues []string
	for _, issue := range result.Issues {
		if issue.Severity == "error" && len(issues) < maxIssues {
			issues = append(issues, clip(issue.Path+": "+issue.Message))
		}
	}
	if !result.Valid && len(issues) == 0 {
		issues = []string{"it gives no reason"}
	}
	return issues, nil
}

// Publish adds the version to the registry. The token is one of [Client.SignIn].
func (c *Client) Publish(ctx context.Context, token string, s *Server) error {
	status, answer, err := c.do(ctx, http.MethodPost, c.URL+api+"/publish", token, s)
	switch {
	case err != nil:
		return fmt.Errorf("publish: %w", err)
	case status != http.StatusOK:
		return problem("publish", status, answer)
	}
	var published struct {
		Server struct{ Name, Version string }
	}
	if err := json.Unmarshal(answer, &published); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if got := published.Server; got.Name != s.Name || got.Version != s.Version {
		return fmt.Errorf("publish: the registry says that it has %.100q %.100q, and not %s %s", got.Name, got.Version, s.Name, s.Version)
	}
	return nil
}

// problem returns the error of an answer that refuses (RFC 9457).
func problem(what string, status int, answer []byte) error {
	var p struct {
		Title, Detail string
		Errors        []struct{ Message string }
	}
	if json.Unmarshal(answer, &p) != nil || p.Title == "" && p.Detail == "" {
		return fmt.Errorf("%s: status %d", what, status)
	}
	reasons := []string{clip(p.Detail)}
	for i, e := range p.Errors {
		if i < maxIssues {
			reasons = append(reasons, clip(e.Message))
		}
	}
	return fmt.Errorf("%s: status %d: %w", what, status, errors.New(strings.Join(reasons, ": ")))
}

// clip shortens what somebody else has written.
func clip(text string) string {
	if len(text) > maxMessage {
		return strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
