package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Spec describes a deployment. Only Name is required. Other settings without a
// value stay as they are, or get their default if the server is new. So a
// server that was deployed with IAM authorization does not become public
// because somebody forgets the flag.
type Spec struct {
	// Name is the name of the function. Required.
	Name string

	// Program is the import path of the program. A function that runs another one
	// is left alone, unless Replace says otherwise. Optional.
	Program string
	Replace bool

	// Image is the URI of a container image in Amazon ECR that the function runs in
	// place of a zip file. Optional.
	Image string

	// Path is where the server answers. The default is /mcp.
	Path string

	// Arch is "arm64", the default, or "amd64".
	Arch string

	// Memory is in MB. The default is 256.
	Memory int32

	// Timeout is in seconds. The default is 30.
	Timeout int32

	// Env are environment variables to set, or to remove when the value is
	// empty. AWS shows them to every identity that may read the function.
	Env map[string]string

	// Stream says that answers are streamed as they are made. By default they
	// are sent whole.
	Stream *bool

	// IAM says that callers must sign their requests as an identity that AWS
	// lets in. By default anybody may call.
	IAM *bool

	// Concurrency is how many requests are served at once at most; 0 removes
	// the limit. The default is 10 for a URL that becomes public, which bounds the
	// cost of its callers, and otherwise the current value.
	Concurrency *int32

	// Tasks says whether the server has durable tasks (ext/tasks/aws): a table, and
	// the right to use it and to go on in invocations of itself. By default it has
	// none. The table stays when they are turned off.
	Tasks *bool

	// Retention is how many days logs are kept. The default is 14.
	Retention int32
}

// ModeVariable tells the server how its URL passes answers on, which a request
// does not reveal: "stream" or "buffered".
const ModeVariable = "MCPENGINE_LAMBDA_MODE"

// Bounds of Lambda.
const (
	maxMemory      = 10240
	minMemory      = 128
	maxTimeout     = 900
	maxConcurrency = 1_000_000
	maxName        = 64
)

// retentions are the numbers of days that CloudWatch Logs knows.
var retentions = []int32{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

var (
	nameSyntax     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`) // a count here would be 64 copies, compiled whenever a bridge starts
	variableSyntax = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)
)

// Check refuses values that AWS refuses in every account.
func (s Spec) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if s.Image != "" {
		if err := CheckImage(s.Image); err != nil {
			return err
		}
	}
	switch {
	case s.Arch != "" && s.Arch != "arm64" && s.Arch != "amd64":
		return fmt.Errorf(`architecture %q is not "arm64" or "amd64"`, s.Arch)
	case s.Memory != 0 && (s.Memory < minMemory || s.Memory > maxMemory):
		return fmt.Errorf("memory of %d MB is not between %d and %d", s.Memory, minMemory, maxMemory)
	case s.Timeout < 0 || s.Timeout > maxTimeout:
		return fmt.Errorf("timeout of %d s is not between 1 and %d", s.Timeout, maxTimeout)
	case s.Concurrency != nil && (*s.Concurrency < 0 || *s.Concurrency > maxConcurrency):
		return fmt.Errorf("concurrency of %d is not between 0 and %d", *s.Concurrency, maxConcurrency)
	case s.Retention != 0 && !slices.Contains(retentions, s.Retention):
		return fmt.Errorf("log retention of %d days is not one of %s", s.Retention, strings.Trim(fmt.Sprint(retentions), "[]"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		switch {
		case !IsVariable(name):
			return fmt.Errorf("environment variable %q: a name is a letter, then one or more letters, digits and _", name)
		case name == ModeVariable:
			return fmt.Errorf("environment variable %s follows from --stream", name)
		case name == TasksVariable:
			return fmt.Errorf("environment variable %s follows from --tasks", name)
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "LAMBDA_"), name == "_HANDLER":
			return fmt.Errorf("environment variable %s is one of Lambda's own", name)
		}
	}
	return nil
}

// IsVariable reports whether an environment variable may have the name.
func IsVariable(name string) bool { return variableSyntax.MatchString(name) }

// CheckName reports whether a function could not have the name.
func CheckName(name string) error {
	if len(name) > maxName || !nameSyntax.MatchString(name) {
		return fmt.Errorf("name %.70q is not 1 to 64 letters, digits, - and _", name)
	}
	return nil
}

// A target is a Spec with all settings.
type target struct {
	location
	name        string
	arch        string
	memory      int32
	timeout     int32
	env         map[string]string
	stream, iam bool
	tasks       bool
	concurrency *int32 // nil: as it is
	bounded     bool   // by the default, which may exceed the account's limit
	program     string
	image, path string
	retention   int32
}

// resolve fills in the settings that the spec leaves open, from the current state or
// else by default.
func (s Spec) resolve(at location, have state) (target, error) {
	t := target{
		location: at,
		name:     s.Name,
		arch:     "arm64", memory: 256, timeout: 30, retention: 14,
		env:         map[string]string{},
		concurrency: s.Concurrency,
	}
	if name := at.roleName(s.Name); len(name) > 64 {
		return t, withHint(fmt.Errorf("name %s is too long: the role %s may have 64 characters and has %d", s.Name, name, len(name)),
			"choose another name with --name")
	}
	if f := have.function; f != nil {
		t.arch, t.memory, t.timeout = f.arch, f.memory, f.timeout
		maps.Copy(t.env, f.env)
		t.stream = f.env[ModeVariable] == modeStream
	}
	if u := have.url; u != nil {
		t.stream, t.iam = u.stream, u.iam
	}
	if g := have.logGroup; g != nil && g.retention != 0 {
		t.retention = g.retention
	}
	set(&t.arch, s.Arch)
	set(&t.memory, s.Memory)
	set(&t.timeout, s.Timeout)
	set(&t.retention, s.Retention)
	if s.Stream != nil {
		t.stream = *s.Stream
	}
	if s.IAM != nil {
		t.iam = *s.IAM
	}
	for name, value := range s.Env {
		t.env[name] = value
		if value == "" {
			delete(t.env, name)
		}
	}
	t.env[ModeVariable] = t.mode()
	delete(t.env, TasksVariable)
	if t.tasks = s.wantsTasks(have); t.tasks {
		t.env[TasksVariable] = tableName(s.Name)
	}
	t.program, t.image, t.path = programTag(s.Program), s.Image, cmp.Or(s.Path, "/mcp")
	if region := s.imageRegion(); region != "" && region != at.region {
		return t, withHint(fmt.Errorf("image %s is in region %s, and Lambda in %s does not run it", s.Image, region, at.region),
			"push it to a repository in "+at.region)
	}
	if becomesPublic := !t.iam && (have.url == nil || have.url.iam); becomesPublic && t.concurrency == nil && !have.reserved() {
		t.concurrency, t.bounded = aws.Int32(defaultConcurrency), true
	}
	return t, nil
}

// imageRegion returns the region of the image, or "".
func (s Spec) imageRegion() string {
	if parts := imageSyntax.FindStringSubmatch(s.Image); parts != nil {
		return parts[1]
	}
	return ""
}

// reserved reports whether a function has concurrency of its own.
func (s state) reserved() bool {
	return s.function != nil && aws.ToInt32(s.function.concurrency) > 0
}

// defaultConcurrency is how many requests a public server serves at once by
// default.
const defaultConcurrency = 10

const (
	modeStream   = "stream"
	modeBuffered = "buffered"
)

func (t target) mode() string { return Mode(t.stream) }

// Mode returns the value of [ModeVariable].
func Mode(stream bool) string {
	if stream {
		return modeStream
	}
	return modeBuffered
}

// set replaces a value unless the new one is zero.
func set[T comparable](old *T, value T) {
	var zero T
	if value != zero {
		*old = value
	}
}
