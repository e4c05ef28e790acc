package profile

import (
	"errors"
	"net/url"
	"strings"
)

// A Function is the Lambda function of a lambda URL.
type Function struct {
	// Name is the function's name, without the rest of its ARN.
	Name string
	// Qualifier is a version or an alias. Optional.
	Qualifier string
	// ARN is the whole ARN without the qualifier, and Region the one in it. Both
	// are empty for a name alone.
	ARN, Region string
	// Path is where the server answers, escaped. Default: /mcp.
	Path string
}

// IsLambda reports whether a URL has the scheme lambda. It may still be invalid.
func IsLambda(rawURL string) bool { return strings.HasPrefix(rawURL, "lambda:") }

// ParseFunction reads lambda://NAME, lambda://NAME:QUALIFIER or the same with an
// ARN in place of the name, each with a path if it is not /mcp. Package url cannot
// parse it, because it reads the text after a colon as a port.
func ParseFunction(rawURL string) (Function, error) {
	f := Function{Path: "/mcp"}
	rest, ok := strings.CutPrefix(rawURL, "lambda://")
	if !ok || len(rawURL) > maxURL {
		return f, errors.New("a function is named as lambda://NAME, or with its ARN in place of the name")
	}
	rest, path, found := strings.Cut(rest, "/")
	if found && path != "" {
		u, err := url.Parse("/" + path)
		if err != nil || u.Host != "" || strings.ContainsAny(path, "?#") {
			return f, errors.New("only a path may follow the function in a lambda URL")
		}
		f.Path = u.EscapedPath()
	}
	parts := strings.Split(rest, ":")
	if parts[0] == "arn" {
		// arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME (IAM, "Identify AWS
		// resources with Amazon Resource Names").
		if len(parts) < 7 || parts[2] != "lambda" || parts[5] != "function" || !isLabel(parts[1]) || !isRegion(parts[3]) || !isAccount(parts[4]) {
			return f, errors.New("the ARN in the lambda URL does not name a function: arn:aws:lambda:REGION:ACCOUNT:function:NAME")
		}
		f.ARN, f.Region = strings.Join(parts[:7], ":"), parts[3]
		parts = parts[6:]
	}
	f.Name = parts[0]
	if len(parts) > 1 {
		f.Qualifier = parts[1]
	}
	// The Lambda API has these bounds, and longer ones for an ARN.
	if len(parts) > 2 || !isLabel(f.Name) || len(f.Name) > 140 {
		return f, errors.New("the function of the lambda URL is not letters, digits, - and _, with one qualifier after a colon at most")
	}
	if len(parts) == 2 && (len(f.Qualifier) > 128 || f.Qualifier != "$LATEST" && !isLabel(f.Qualifier)) {
		return f, errors.New("the qualifier of the lambda URL is not a version, an alias or $LATEST")
	}
	return f, nil
}

// Endpoint returns a URL for an HTTP client of the function. Its host does not
// exist (RFC 2606, section 2), so only the RoundTripper that invokes functions
// can send a request to it. Servers see it as the host of a Function URL.
func (f Function) Endpoint() string {
	host := f.Name + ".lambda-url"
	if f.Qualifier != "" {
		host = strings.TrimPrefix(f.Qualifier, "$") + "." + host
	}
	if f.Region != "" {
		host += "." + f.Region
	}
	return "https://" + host + ".invalid" + f.Path
}

func isLabel(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}

// isRegion reports whether a text is safe as a part of a host name.
func isRegion(s string) bool {
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
