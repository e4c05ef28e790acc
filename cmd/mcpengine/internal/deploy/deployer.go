package deploy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A Deployer deploys servers to one account and region.
type Deployer struct {
	clients Clients
	config  Config
}

// A Config adjusts a [Deployer].
type Config struct {
	// Progress gets a line for each change as it is made. Optional.
	Progress *terminal.Writer

	// Wait waits for a time, or until the context ends, and then returns the
	// context's error. The default uses the clock; tests do not wait.
	Wait func(context.Context, time.Duration) error

	// HTTPClient sends the probe. The default does not follow redirects.
	HTTPClient *http.Client

	// Now is the time. The default is [time.Now].
	Now func() time.Time
}

// New returns a deployer that uses the clients.
func New(clients Clients, config Config) *Deployer {
	if config.Progress == nil {
		config.Progress = terminal.New(io.Discard)
	}
	if config.Wait == nil {
		config.Wait = wait
	}
	if config.HTTPClient == nil {
		config.HTTPClient = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Deployer{clients, config}
}

func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (d *Deployer) wait(ctx context.Context, pause time.Duration) error {
	return d.config.Wait(ctx, pause)
}

// say tells the user about a change.
func (d *Deployer) say(format string, args ...any) {
	d.config.Progress.Printf(format+"\n", args...)
}

// A Builder builds the server for an architecture, "arm64" or "amd64".
type Builder func(ctx context.Context, arch string) (Code, error)

// Plan reads the current state and says what has to change. In between it
// builds the server, for the function's current architecture if the spec names
// none. It changes nothing, and fails if something with the name was not made
// by mcpengine.
func (d *Deployer) Plan(ctx context.Context, spec Spec, build Builder) (*Plan, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	at, err := d.locate(ctx)
	if err != nil {
		return nil, explain(err, d.clients.region)
	}
	have, err := d.readFor(ctx, at, spec)
	if err != nil {
		return nil, explain(err, at.region)
	}
	t, err := spec.resolve(at, have)
	if err != nil {
		return nil, err
	}
	code, err := build(ctx, t.arch)
	if err != nil {
		return nil, err
	}
	plan, err := d.plan(spec, at, have, &code)
	return plan, explain(err, at.region)
}

// plan compares the current state with the wanted one.
func (d *Deployer) plan(spec Spec, at location, have state, code *Code) (*Plan, error) {
	t, err := spec.resolve(at, have)
	if err != nil {
		return nil, err
	}
	if err := have.function.check(t, spec.Replace); err != nil {
		return nil, err
	}
	p := &Plan{Account: at.account, Region: at.region, Name: t.name}
	p.Steps = append(p.Steps, d.roleSteps(t, have.role)...)
	p.Steps = append(p.Steps, d.taskSteps(t, have)...)
	p.Steps = append(p.Steps, d.logGroupSteps(t, have.logGroup)...)
	p.Steps = append(p.Steps, pushSteps(code)...)
	p.Steps = append(p.Steps, d.functionSteps(t, have.function, code)...)
	p.Steps = append(p.Steps, d.loopSteps(t, have)...)
	p.Steps = append(p.Steps, d.releaseSteps(t, have.live, code)...)
	p.Steps = append(p.Steps, d.concurrencySteps(t, have.function)...) // before anybody can call
	p.Steps = append(p.Steps, d.urlSteps(t, have.url)...)
	p.Steps = append(p.Steps, d.grantSteps(t, have.granted)...)
	p.again = func(ctx context.Context) (*Plan, error) {
		have, err := d.readFor(ctx, at, spec)
		if err != nil {
			return nil, err
		}
		return d.plan(spec, at, have, code)
	}
	return p, nil
}

// Apply makes the changes of a plan. When it fails or is interrupted, the changes
// made so far stay, and a new plan holds the rest.
func (d *Deployer) Apply(ctx context.Context, plan *Plan) error {
	return explain(d.apply(ctx, plan), plan.Region)
}

const planAttempts = 6 // with the pauses between them, half a minute

func (d *Deployer) apply(ctx context.Context, plan *Plan) error {
	pause := time.Second
	for attempt := 1; ; attempt++ {
		err := d.run(ctx, plan.Steps)
		if !isConflict(err) || attempt == planAttempts {
			return err
		}
		if err := d.wait(ctx, pause); err != nil {
			return err
		}
		pause *= 2
		if plan, err = plan.again(ctx); err != nil {
			return err
		}
	}
}

func (d *Deployer) run(ctx context.Context, steps []Step) error {
	for _, s := range steps {
		if s.do == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		d.say("%s %s", s.Verb, s.What)
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s %s: %w", s.Verb, s.What, err)
		}
	}
	return nil
}
