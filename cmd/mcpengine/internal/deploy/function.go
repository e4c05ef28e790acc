package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A function is the server on Lambda.
type function struct {
	digest      string // of the code, as [Code.digest] has it
	arn         string
	program     string // that it runs, by its tag
	arch        string // GOARCH
	memory      int32
	timeout     int32
	env         map[string]string
	role        string // ARN
	runtime     types.Runtime
	handler     string
	image       bool // the code is a container image
	updated     time.Time
	concurrency *int32 // reserved
	busy        bool   // being created or updated
	failed      string // why it could not be created
	refused     string // why the last update failed
}

const (
	runtimeName = types.RuntimeProvidedal2023
	handlerName = "bootstrap" // Lambda wants one; the runtime does not read it
)

func (d *Deployer) readFunction(ctx context.Context, name string) (*function, error) {
	out, err := d.clients.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read function %s: %w", name, err)
	}
	if e := out.TagsError; e != nil {
		return nil, withHint(fmt.Errorf("read the tags of function %s: %s", name, clean(aws.ToString(e.Message))),
			"ask for a policy that allows lambda:ListTags")
	}
	if err := checkOwner("function "+name, out.Tags, name); err != nil {
		return nil, err
	}
	return newFunction(name, out)
}

// newFunction returns what the answer says of a function, or of a version of it.
func newFunction(name string, out *lambda.GetFunctionOutput) (*function, error) {
	c := out.Configuration
	if c == nil {
		return nil, fmt.Errorf("read function %s: the answer is empty", name)
	}
	f := &function{
		digest:  aws.ToString(c.CodeSha256),
		arn:     aws.ToString(c.FunctionArn),
		program: out.Tags[tagProgram],
		arch:    "amd64", // Lambda's own default
		memory:  aws.ToInt32(c.MemorySize),
		timeout: aws.ToInt32(c.Timeout),
		role:    aws.ToString(c.Role),
		runtime: c.Runtime,
		handler: aws.ToString(c.Handler),
		image:   c.PackageType == types.PackageTypeImage,
		busy:    c.State == types.StatePending || c.LastUpdateStatus == types.LastUpdateStatusInProgress,
	}
	if f.image && out.Code != nil {
		f.digest = aws.ToString(out.Code.ResolvedImageUri)
	}
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} { // of Lambda, and of emulators
		if at, err := time.Parse(layout, aws.ToString(c.LastModified)); err == nil {
			f.updated = at.UTC()
		}
	}
	if slices.Contains(c.Architectures, types.ArchitectureArm64) {
		f.arch = "arm64"
	}
	if c.Environment != nil {
		f.env = c.Environment.Variables
	}
	if out.Concurrency != nil {
		f.concurrency = out.Concurrency.ReservedConcurrentExecutions
	}
	if c.State == types.StateFailed {
		f.failed = clean(aws.ToString(c.StateReason))
	}
	if c.LastUpdateStatus == types.LastUpdateStatusFailed {
		f.refused = clean(aws.ToString(c.LastUpdateStatusReason))
	}
	return f, nil
}

// check refuses a function that cannot become what is wanted.
func (f *function) check(t target, replace bool) error {
	switch {
	case f == nil:
		return nil
	case f.failed != "":
		return f.failure(t.name)
	case f.image && t.image == "":
		return withHint(fmt.Errorf("function %s runs a container image, and Lambda does not let it run a zip file", t.name),
			"name the image with --image, or remove the function with mcpengine destroy "+t.name)
	case !f.image && t.image != "":
		return withHint(fmt.Errorf("function %s runs a zip file, and Lambda does not let it run a container image", t.name),
			"leave out --image, or remove the function with mcpengine destroy "+t.name)
	}
	return checkProgram(f.program, t.program, t.name, replace)
}

// failure returns the error of a function that Lambda could not create.
func (f *function) failure(name string) error {
	return withHint(fmt.Errorf("create function %s: Lambda gave up: %s", name, f.failed),
		"remove it with mcpengine destroy "+name+", then deploy again")
}

// functionSteps returns the steps that update the function: first its code, then
// its configuration, each only if it differs.
func (d *Deployer) functionSteps(t target, have *function, code *Code) []Step {
	what := "function " + t.name
	shape := fmt.Sprintf("%s, %d MB, %d s", t.arch, t.memory, t.timeout)
	if have == nil {
		return []Step{{
			Verb: "create", What: what,
			Detail: fmt.Sprintf("%s, %s, variables %s", shape, code.describe(), variables(t.env)),
			do:     func(ctx context.Context) error { return d.createFunction(ctx, t, code) },
		}}
	}
	steps := []Step{keep("code of "+what, code.describe()), keep(what, shape)}
	if code.Push != nil || have.digest != code.digest() || have.arch != t.arch {
		steps[0].Verb = "update"
		steps[0].do = func(ctx context.Context) error { return d.updateCode(ctx, t, have, code) }
	}
	if changed := have.differences(t); len(changed) > 0 {
		steps[1].Verb, steps[1].Detail = "update", strings.Join(changed, ", ")
		steps[1].do = func(ctx context.Context) error {
			return errors.Join(d.updateConfiguration(ctx, t), d.tagProgram(ctx, t, have))
		}
	} else if t.program != "" && have.program != t.program {
		steps[1].Verb, steps[1].Detail = "tag", "as "+t.program
		steps[1].do = func(ctx context.Context) error { return d.tagProgram(ctx, t, have) }
	} else if have.busy {
		// A run that was interrupted has left an update under way.
		steps[1].Verb = "wait"
		steps[1].do = func(ctx context.Context) error { return d.awaitFunction(ctx, t.name) }
	}
	return steps
}

// differences lists the changes for UpdateFunctionConfiguration.
func (f *function) differences(t target) []string {
	var changed []string
	if f.memory != t.memory {
		changed = append(changed, fmt.Sprintf("%d MB instead of %d", t.memory, f.memory))
	}
	if f.timeout != t.timeout {
		changed = append(changed, fmt.Sprintf("%d s instead of %d", t.timeout, f.timeout))
	}
	if !f.image && (f.runtime != runtimeName || f.handler != handlerName) {
		changed = append(changed, fmt.Sprintf("runtime %s instead of %s", runtimeName, f.runtime))
	}
	if f.role != t.roleARN(t.name) {
		changed = append(changed, "its own role")
	}
	for _, name := range slices.Sorted(maps.Keys(t.env)) {
		if old, ok := f.env[name]; !ok {
			changed = append(changed, "with "+name)
		} else if old != t.env[name] {
			changed = append(changed, "another "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.env)) {
		if _, ok := t.env[name]; !ok {
			changed = append(changed, "without "+name)
		}
	}
	return changed
}

// variables names the variables. Their values may be secret.
func variables(env map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(env)), " ")
}

// architectures are Lambda's words for it.
func (t target) architectures() []types.Architecture {
	if t.arch == "amd64" {
		return []types.Architecture{types.ArchitectureX8664}
	}
	return []types.Architecture{types.ArchitectureArm64}
}

func (d *Deployer) createFunction(ctx context.Context, t target, code *Code) error {
	in := &lambda.CreateFunctionInput{
		FunctionName:  aws.String(t.name),
		Code:          &types.FunctionCode{ZipFile: code.Zip},
		Architectures: t.architectures(),
		Runtime:       runtimeName,
		Handler:       aws.String(handlerName),
		Role:          aws.String(t.roleARN(t.name)),
		MemorySize:    aws.Int32(t.memory),
		Timeout:       aws.Int32(t.timeout),
		Environment:   &types.Environment{Variables: t.env},
		Tags:          tags(t.name),
	}
	if code.Image != "" {
		in.Code, in.PackageType = &types.FunctionCode{ImageUri: aws.String(code.Image)}, types.PackageTypeImage
		in.Runtime, in.Handler = "", nil
	}
	if t.program != "" {
		in.Tags[tagProgram] = t.program
	}
	err := d.untilAssumable(ctx, func() error {
		_, err := d.clients.lambda.CreateFunction(ctx, in)
		return err
	})
	if err != nil {
		return err
	}
	return d.awaitFunction(ctx, t.name)
}

// tagProgram tags the function with the program that it runs now.
func (d *Deployer) tagProgram(ctx context.Context, t target, have *function) error {
	if t.program == "" || t.program == have.program {
		return nil
	}
	_, err := d.clients.lambda.TagResource(ctx, &lambda.TagResourceInput{
		Resource: aws.String(have.arn), Tags: map[string]string{tagProgram: t.program},
	})
	return err
}

func (d *Deployer) updateCode(ctx context.Context, t target, have *function, code *Code) error {
	if have.digest == code.digest() && have.arch == t.arch {
		return nil // the image that was pushed is the one it had
	}
	if err := d.awaitFunction(ctx, t.name); err != nil {
		return err
	}
	in := &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(t.name), ZipFile: code.Zip, Architectures: t.architectures()}
	if code.Image != "" {
		in.ImageUri = aws.String(code.Image)
	}
	if _, err := d.clients.lambda.UpdateFunctionCode(ctx, in); err != nil {
		return err
	}
	return d.awaitUpdate(ctx, t.name)
}

func (d *Deployer) updateConfiguration(ctx context.Context, t target) error {
	if err := d.awaitFunction(ctx, t.name); err != nil {
		return err
	}
	in := &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(t.name),
		Runtime:      runtimeName,
		Handler:      aws.String(handlerName),
		Role:         aws.String(t.roleARN(t.name)),
		MemorySize:   aws.Int32(t.memory),
		Timeout:      aws.Int32(t.timeout),
		Environment:  &types.Environment{Variables: t.env},
	}
	if t.image != "" {
		in.Runtime, in.Handler = "", nil
	}
	err := d.untilAssumable(ctx, func() error {
		_, err := d.clients.lambda.UpdateFunctionConfiguration(ctx, in)
		return err
	})
	if err != nil {
		return err
	}
	return d.awaitUpdate(ctx, t.name)
}
