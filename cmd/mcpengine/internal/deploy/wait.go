package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A role that was made a moment ago is not known to Lambda for some seconds.
const (
	assumeAttempts = 30
	assumePause    = 2 * time.Second
)

// untilAssumable repeats a request while Lambda does not know the role.
func (d *Deployer) untilAssumable(ctx context.Context, request func() error) error {
	for attempt := 1; ; attempt++ {
		err := request()
		if !isUnassumable(err) || attempt == assumeAttempts {
			return err
		}
		if attempt == 1 {
			d.say("waiting until Lambda may assume the new role")
		}
		if err := d.wait(ctx, assumePause); err != nil {
			return err
		}
	}
}

// awaitUpdate waits until an update is done, and fails if the update failed.
func (d *Deployer) awaitUpdate(ctx context.Context, name string) error {
	f, err := d.awaitReady(ctx, name)
	if err == nil && f.refused != "" {
		err = fmt.Errorf("update function %s: Lambda gave up: %s", name, f.refused)
	}
	return err
}

// awaitFunction waits until the function can be changed and called.
func (d *Deployer) awaitFunction(ctx context.Context, name string) error {
	_, err := d.awaitReady(ctx, name)
	return err
}

const readyAttempts = 90 // about 7 minutes

func (d *Deployer) awaitReady(ctx context.Context, name string) (*function, error) {
	return d.await(ctx, name, d.readFunction)
}

// awaitVersion waits until a version can be called.
func (d *Deployer) awaitVersion(ctx context.Context, name, version string) error {
	_, err := d.await(ctx, name, func(ctx context.Context, name string) (*function, error) {
		return d.readVersion(ctx, name, version)
	})
	return err
}

func (d *Deployer) await(ctx context.Context, name string, read func(context.Context, string) (*function, error)) (*function, error) {
	pause := 250 * time.Millisecond
	for range readyAttempts {
		f, err := read(ctx, name)
		switch {
		case err != nil:
			return nil, err
		case f == nil:
			return nil, fmt.Errorf("function %s has disappeared", name)
		case f.failed != "":
			return nil, f.failure(name)
		case !f.busy:
			return f, nil
		}
		if err := d.wait(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(2*pause, 5*time.Second)
	}
	return nil, withHint(errors.New("function "+name+" is still not ready"), "run the same command again, it continues where it stopped")
}
