package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// liveAlias is the alias that names the version which callers reach. The URL and
// its permissions belong to the alias, so that callers see a new version only once
// it has answered, and an older one again with one request.
const liveAlias = "live"

// A release is the version that the alias names.
type release struct {
	version  string
	function *function // the code and the configuration of the version
}

// readLive returns the version that the alias names, or nil if there is no alias.
func (d *Deployer) readLive(ctx context.Context, name string) (*release, error) {
	out, err := d.clients.lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: aws.String(name), Name: aws.String(liveAlias)})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read alias %s of function %s: %w", liveAlias, name, err)
	}
	version := aws.ToString(out.FunctionVersion)
	f, err := d.readVersion(ctx, name, version)
	if err != nil || f == nil {
		return nil, err
	}
	return &release{version, f}, nil
}

// readVersion reads a version of a function that is ours, or nil if there is no
// such version.
func (d *Deployer) readVersion(ctx context.Context, name, version string) (*function, error) {
	out, err := d.clients.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name), Qualifier: aws.String(version)})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read version %s of function %s: %w", version, name, err)
	}
	return newFunction(name, out)
}

// releaseSteps returns the step that publishes what the function has become, and
// gives it to callers once it answers.
func (d *Deployer) releaseSteps(t target, have *release, code *Code) []Step {
	what := "alias " + liveAlias
	if have != nil && code.Push == nil && have.function.digest == code.digest() &&
		have.function.arch == t.arch && len(have.function.differences(t)) == 0 {
		return []Step{keep(what, "version "+have.version)}
	}
	step := Step{Verb: "publish", What: "version", Detail: "becomes " + what + " when it answers"}
	if have != nil {
		step.Detail += ", in place of version " + have.version
	}
	step.do = func(ctx context.Context) error { return d.release(ctx, t, have) }
	return []Step{step}
}

// release publishes a version. Lambda returns the last one if nothing has changed
// since, so that a run which was interrupted can be finished.
func (d *Deployer) release(ctx context.Context, t target, have *release) error {
	out, err := d.clients.lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String(t.name)})
	if err != nil {
		return err
	}
	version := aws.ToString(out.Version)
	if have != nil && have.version == version {
		return nil
	}
	d.say("ask version %s for server/discover", version)
	if err := d.ask(ctx, t.name, t.path, version, have); err != nil {
		return err
	}
	return d.moveAlias(ctx, t.name, version, have)
}

// ask fails unless the version answers.
func (d *Deployer) ask(ctx context.Context, name, path, version string, have *release) error {
	if err := d.awaitVersion(ctx, name, version); err != nil {
		return err
	}
	_, err := d.check(ctx, name, path, version)
	if have != nil && errors.Is(err, ErrNoAnswer) {
		return withHint(fmt.Errorf("%w; callers still reach version %s", err, have.version), Hint(err))
	}
	return err
}

// moveAlias makes a version the one that callers reach.
func (d *Deployer) moveAlias(ctx context.Context, name, version string, have *release) error {
	if have == nil {
		_, err := d.clients.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{
			FunctionName: aws.String(name), Name: aws.String(liveAlias), FunctionVersion: aws.String(version),
		})
		return err
	}
	_, err := d.clients.lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: aws.String(name), Name: aws.String(liveAlias), FunctionVersion: aws.String(version),
	})
	return err
}

// PlanRollback returns the steps that give callers an older version again: the one
// that is named, or else the last one before the present version. It changes
// nothing. It fails if there is no such version, or the function is not ours.
func (d *Deployer) PlanRollback(ctx context.Context, name, path, version string) (*Plan, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if number, err := strconv.Atoi(version); version != "" && (err != nil || number < 1) {
		return nil, fmt.Errorf("version %.70q is not a number from 1", version)
	}
	at, err := d.locate(ctx)
	if err != nil {
		return nil, explain(err, d.clients.region)
	}
	plan, err := d.planRollback(ctx, at, name, path, version)
	return plan, explain(err, at.region)
}

func (d *Deployer) planRollback(ctx context.Context, at location, name, path, version string) (*Plan, error) {
	have, err := d.read(ctx, at, name)
	if err != nil {
		return nil, err
	}
	switch {
	case have.function == nil:
		return nil, d.noServer(name)
	case have.live == nil || have.url == nil:
		return nil, withHint(errors.New("the deployment of "+name+" is not finished"), "finish it with mcpengine deploy")
	}
	numbers, err := d.readVersions(ctx, name)
	if err != nil {
		return nil, err
	}
	version, err = chooseVersion(name, version, have.live.version, numbers)
	if err != nil {
		return nil, err
	}
	older, err := d.readVersion(ctx, name, version)
	if err != nil {
		return nil, err
	}
	if older == nil {
		return nil, withHint(fmt.Errorf("version %s of function %s has disappeared", version, name), "run the same command again")
	}
	p := &Plan{Account: at.account, Region: at.region, Name: name}
	p.again = func(ctx context.Context) (*Plan, error) { return d.planRollback(ctx, at, name, path, version) }
	// The URL has no versions, and must stream if the version does. The alias moves
	// last, so that a run which was interrupted can be repeated.
	p.Steps = d.urlSteps(target{name: name, iam: have.url.iam, stream: older.env[ModeVariable] == modeStream}, have.url)
	if version == have.live.version {
		p.Steps = append(p.Steps, keep("alias "+liveAlias, "version "+version))
		return p, nil
	}
	ask := Step{Verb: "ask", What: "version " + version, Detail: "whether it answers", do: func(ctx context.Context) error {
		return d.ask(ctx, name, path, version, have.live)
	}}
	move := Step{Verb: "move", What: "alias " + liveAlias, Detail: fmt.Sprintf("to version %s, in place of version %s", version, have.live.version)}
	move.do = func(ctx context.Context) error { return d.moveAlias(ctx, name, version, have.live) }
	p.Steps = slices.Concat([]Step{ask}, p.Steps, []Step{move})
	return p, nil
}

// chooseVersion returns the version to go back to.
func chooseVersion(name, version, live string, numbers []int) (string, error) {
	if version != "" {
		number, err := strconv.Atoi(version)
		if err != nil || !slices.Contains(numbers, number) {
			return "", withHint(fmt.Errorf("function %s has no version %s", name, version), fmt.Sprintf("its versions are %v", numbers))
		}
		return strconv.Itoa(number), nil
	}
	current, err := strconv.Atoi(live)
	if err != nil {
		return "", withHint(fmt.Errorf("alias %s of function %s names %s, which is not a version", liveAlias, name, clean(live)), "name the version to go back to with --to")
	}
	slices.Sort(numbers)
	at, _ := slices.BinarySearch(numbers, current)
	if at == 0 {
		return "", withHint(fmt.Errorf("function %s has no version before %s", name, live), "name another one with --to")
	}
	return strconv.Itoa(numbers[at-1]), nil
}

// readVersions returns the numbers of the published versions.
func (d *Deployer) readVersions(ctx context.Context, name string) ([]int, error) {
	var numbers []int
	in := &lambda.ListVersionsByFunctionInput{FunctionName: aws.String(name)}
	for {
		out, err := d.clients.lambda.ListVersionsByFunction(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the versions of function %s: %w", name, err)
		}
		for _, version := range out.Versions {
			if number, err := strconv.Atoi(aws.ToString(version.Version)); err == nil { // not $LATEST
				numbers = append(numbers, number)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return numbers, nil
		}
	}
}
