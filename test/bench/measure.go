package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A contender is a server process with its load.
type contender struct {
	child  *child
	load   *load
	result *rowResult
}

// measureGroup measures the rows of a group over HTTP, all servers taking
// turns in every round.
func measureGroup(ctx context.Context, p plan, group []row) (results []*rowResult, err error) {
	var contenders []*contender
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.stop())
		}
	}()
	for _, r := range group {
		for _, s := range r.rivals() {
			c, err := newContender(ctx, s, r)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", s.name, r.name, err)
			}
			contenders = append(contenders, c)
			results = append(results, c.result)
			if _, err := c.load.run(p.warmup); err != nil {
				return nil, fmt.Errorf("warm up %s, %s: %w", s.name, r.name, err)
			}
		}
	}
	for i := range p.rounds {
		for j := range contenders {
			c := contenders[(i+j)%len(contenders)] // no server always follows the same one
			if err := c.round(p.duration); err != nil {
				return nil, fmt.Errorf("measure %s, %s: %w", c.result.Rival, c.result.Row, err)
			}
		}
	}
	return results, nil
}

// newContender starts a server, checks its answers and connects the load.
func newContender(ctx context.Context, s rival, r row) (*contender, error) {
	child, err := startChild(ctx, "serve", s, r)
	if err != nil {
		return nil, err
	}
	c := &contender{child: child, load: &load{}, result: &rowResult{Row: r.name, Rival: s.name}}
	if err := c.prepare(ctx, s, r); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *contender) prepare(ctx context.Context, s rival, r row) error {
	checked, err := dial(ctx, c.child.address)
	if err != nil {
		return err
	}
	if r, err = r.open(s, checked.once); err != nil {
		return errors.Join(err, checked.conn.Close())
	}
	got, err := checked.once(r.request)
	c.result.Size = len(got.body)
	if err := errors.Join(err, r.verify(s, checked.once), checked.conn.Close()); err != nil {
		return err
	}
	c.load, err = dialLoad(ctx, c.child.address, r.request)
	return err
}

func (c *contender) round(d time.Duration) error {
	before, err := c.child.usage()
	if err != nil {
		return err
	}
	ownBefore, err := processCPU()
	if err != nil {
		return err
	}
	start := time.Now()
	requests, err := c.load.run(d)
	if err != nil {
		return err
	}
	took := time.Since(start)
	ownAfter, err := processCPU()
	if err != nil {
		return err
	}
	after, err := c.child.usage()
	if err != nil {
		return err
	}
	c.result.HTTP = append(c.result.HTTP, round{
		Requests:  requests,
		PerSecond: float64(requests) / took.Seconds(),
		CPU:       float64(after.CPU-before.CPU) / float64(requests) / float64(time.Microsecond),
		LoadBusy:  float64(ownAfter-ownBefore) / float64(took),
	})
	return nil
}

func (c *contender) stop() error {
	return errors.Join(c.load.close(), c.child.stop())
}

// measureInProcess adds the in-process figures to the results of a group.
func measureInProcess(ctx context.Context, p plan, results []*rowResult) error {
	for range p.processes {
		for _, result := range results {
			var got inProcess
			if err := askChild(ctx, &got, "inprocess", result.Rival, result.Row, p.benchTime.String()); err != nil {
				return err
			}
			result.InProcess = append(result.InProcess, got)
		}
	}
	return nil
}

// measureSetup measures building servers with the row's tools, each time in a
// fresh process.
func measureSetup(ctx context.Context, p plan, rowName string) ([]*setupCost, error) {
	var costs []*setupCost
	for _, s := range rivals() {
		costs = append(costs, &setupCost{Row: rowName, Rival: s.name})
	}
	for range p.rounds {
		for _, cost := range costs {
			var got setupAnswer
			if err := askChild(ctx, &got, "setup", cost.Rival, rowName, p.benchTime.String()); err != nil {
				return nil, err
			}
			cost.First = append(cost.First, got.First)
			cost.Repeated = append(cost.Repeated, got.Repeated)
		}
	}
	return costs, nil
}

// askChild runs this program in another role and decodes what it prints.
func askChild(ctx context.Context, answer any, args ...string) error {
	command, err := childCommand(ctx, args...)
	if err != nil {
		return err
	}
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("run child %q: %w", args, err)
	}
	if err := json.Unmarshal(output, answer); err != nil {
		return fmt.Errorf("decode answer of child %q: %w", args, err)
	}
	return nil
}
