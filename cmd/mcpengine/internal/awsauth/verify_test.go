package awsauth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// verify checks a signature by the text of the standard, and not with the
// library that made it (IAM, "Create a signed AWS API request"). The path is
// encoded twice, as all services but S3 want it.
func verify(r *http.Request, body []byte, key, secret, token, region, service string) error {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme != "AWS4-HMAC-SHA256" {
		return fmt.Errorf("the scheme is %q", scheme)
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	date := r.Header.Get("X-Amz-Date")
	scope := strings.Join([]string{date[:min(8, len(date))], region, service, "aws4_request"}, "/")
	if fields["Credential"] != key+"/"+scope {
		return fmt.Errorf("the credential is %q", fields["Credential"])
	}
	if r.Header.Get("X-Amz-Security-Token") != token {
		return errors.New("the session token is another")
	}
	digest := hexSum(body)
	if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" && sent != digest {
		return errors.New("the digest does not match the body")
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	for _, name := range []string{"host", "x-amz-date"} {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s is not signed", name)
		}
	}
	var headers strings.Builder
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(path), "%2F", "/"), "+", "%20"), query, headers.String(), fields["SignedHeaders"], digest}, "\n")
	derived := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		derived = mac(derived, part)
	}
	want := hex.EncodeToString(mac(derived, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hexSum([]byte(canonical))}, "\n")))
	if fields["Signature"] != want {
		return fmt.Errorf("the signature is %s, want %s of\n%s", fields["Signature"], want, canonical)
	}
	return nil
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// verify accepts the signatures of AWS's own test suite.
func TestVerify(t *testing.T) {
	t.Parallel()
	const key, secret = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	for name, test := range map[string]struct{ method, target, headers, signature string }{
		"get-vanilla":  {"GET", "/", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"post-vanilla": {"POST", "/", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "https://example.amazonaws.com"+test.target, http.NoBody)
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		authorization := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + test.headers + ", Signature="
		r.Header.Set("Authorization", authorization+test.signature)
		err := verify(r, nil, key, secret, "", "us-east-1", "service")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.Header.Set("Authorization", authorization+strings.Repeat("0", 64))
		if verify(r, nil, key, secret, "", "us-east-1", "service") == nil {
			t.Errorf("%s: any signature is right", name)
		}
	}
}

// isolate hides the AWS configuration of the machine.
func isolate(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA",
		"AWS_CA_BUNDLE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
	} {
		t.Setenv(name, "")
	}
	nowhere := t.TempDir() + "/none"
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// someone is an environment with credentials.
var someone = map[string]string{
	"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "session", "AWS_REGION": "eu-west-1",
}

// guard lets through what someone has signed for the service and region.
func guard(t *testing.T, service, region string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the request: %v", err)
		}
		if err := verify(r, body, "AKIATEST", "hunter2", "session", region, service); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			http.Error(w, "", http.StatusForbidden)
			return
		}
		if at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date")); err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("signed at %s", r.Header.Get("X-Amz-Date"))
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		next.ServeHTTP(w, r)
	})
}
