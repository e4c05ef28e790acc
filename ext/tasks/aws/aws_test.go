package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/aws"
	"github.com/mcpengine/mcpengine/ext/tasks/taskstest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	backend, err := aws.Open(c.table, aws.WithConfig(config(c.server.URL)), aws.WithFunction("function"), aws.WithLogger(quiet()))
	if err != nil {
		t.Fatal(err)
	}
	taskstest.Store(t, backend)
	if items := c.items(); len(items["keeps"])+len(items["grows"]) > 0 {
		t.Errorf("tasks that were deleted have left %v", items)
	}
}

// items returns the sort keys of the table's items, by task.
func (c *cloud) items() map[string][]string {
	c.Helper()
	all := make(map[string][]string)
	for pages := dynamodb.NewScanPaginator(c.dynamo, &dynamodb.ScanInput{TableName: &c.table}); pages.HasMorePages(); {
		page, err := pages.NextPage(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		for _, it := range page.Items {
			id := it["task"].(*types.AttributeValueMemberS).Value
			all[id] = append(all[id], it["part"].(*types.AttributeValueMemberS).Value)
		}
	}
	return all
}

// A task goes on in another process, asks its questions there, and is gone from
// the table but for its result when it has ended.
func TestTaskOutlivesProcess(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var drafts atomic.Int32
	tools := func(e *mcpengine.Engine) {
		add(e, "publish", func(ctx context.Context) (string, error) {
			draft, err := mcpengine.Step(ctx, "draft", func(context.Context) (string, error) {
				drafts.Add(1)
				return "the draft", nil
			})
			if err != nil {
				return "", err
			}
			answer, err := mcpengine.Elicit[approval](ctx, "Publish?", mcpengine.WithKey("publish"))
			return fmt.Sprintf("%s, %t", draft, answer.Approve), err
		})
	}
	one, two := c.start(tools), c.start(tools)
	id := one.call("publish")
	two.await(id, "input_required")
	if got := c.items()[id]; len(got) != 2 {
		t.Errorf("the items of a task with one step are %q", got)
	}
	one.send("tasks/update", fmt.Sprintf(`"taskId":%q,"inputResponses":{"publish.1":{"action":"accept","content":{"approve":true}}}`, id))
	if got := text(two.await(id, "completed")); !strings.Contains(got, "the draft, true") || drafts.Load() != 1 {
		t.Errorf("after %d drafts: %s", drafts.Load(), got)
	}
	if got := c.items()[id]; len(got) != 1 {
		t.Errorf("the items of a task that has ended are %q", got)
	}
}

// A quick call stays a plain result: the request hears of the end of the task
// although another process runs it.
func TestQuickCall(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(e *mcpengine.Engine) {
		add(e, "quick", func(context.Context) (string, error) { return "done", nil }, tasks.Grace(time.Minute))
	})
	if got := r.send("tools/call", `"name":"quick","arguments":{}`); got["resultType"] != "complete" {
		t.Errorf("result = %v", got)
	}
	if got := c.items(); len(got) != 0 {
		t.Errorf("left in the table: %v", got)
	}
}

// A task that takes longer than an invocation goes on in the next one, before the
// platform would end the first.
func TestHandover(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.timeout = 3 * time.Second
	var runs, steps atomic.Int32
	r := c.start(func(e *mcpengine.Engine) {
		add(e, "long", func(ctx context.Context) (string, error) {
			runs.Add(1)
			end, _ := ctx.Deadline()
			if time.Until(end) > 2100*time.Millisecond {
				t.Errorf("a run has %v of an invocation of %v", time.Until(end), c.timeout)
			}
			for i := range 6 {
				if _, err := mcpengine.Step(ctx, fmt.Sprint(i), func(ctx context.Context) (int, error) {
					select {
					case <-ctx.Done():
						return 0, context.Cause(ctx)
					case <-time.After(700 * time.Millisecond):
						return int(steps.Add(1)), nil
					}
				}); err != nil {
					return "", err
				}
			}
			return "done", nil
		})
	})
	got := r.await(r.call("long"), "completed")
	if runs.Load() < 3 || steps.Load() != 6 || c.invoked.Load() < runs.Load() {
		t.Errorf("%d runs in %d invocations, %d steps: %v", runs.Load(), c.invoked.Load(), steps.Load(), got)
	}
}

// Events that are delivered twice, and of tasks that are gone or have ended, do no
// harm: a task never has two runs.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.deliver.Store(3)
	var now, most, runs atomic.Int32
	tools := func(e *mcpengine.Engine) {
		add(e, "work", func(ctx context.Context) (string, error) {
			runs.Add(1)
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			return mcpengine.Step(ctx, "step", func(ctx context.Context) (string, error) {
				ticker := time.NewTicker(10 * time.Millisecond)
				defer ticker.Stop()
				for c.finished.Load() < 2 { // the duplicates
					select {
					case <-ticker.C:
					case <-ctx.Done():
						return "", context.Cause(ctx)
					}
				}
				return "done", nil
			})
		})
	}
	one, two := c.start(tools), c.start(tools)
	id := one.call("work")
	two.await(id, "completed")
	for _, id := range []string{id, "unknown"} {
		if _, err := two.extension.LambdaEvent(t.Context(), fmt.Appendf(nil, `{"mcpengine/tasks":{"run":%q}}`, id)); err != nil {
			t.Errorf("a late event for %s: %v", id, err)
		}
	}
	if runs.Load() != 1 || most.Load() != 1 {
		t.Errorf("%d runs, %d at once", runs.Load(), most.Load())
	}
}

// An event of somebody else is left to others, and one that says nothing fails.
func TestOtherEvents(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(*mcpengine.Engine) {})
	for event, unsupported := range map[string]bool{
		`{}`: true, `[]`: true, `{"Records":[]}`: true, `{"mcpengine/tasks":7}`: true,
		`{"mcpengine/tasks":{}}`: false,
	} {
		if _, err := r.extension.LambdaEvent(t.Context(), json.RawMessage(event)); err == nil || errors.Is(err, errors.ErrUnsupported) != unsupported {
			t.Errorf("%s: %v", event, err)
		}
	}
}

// The task of a process that has died is run again when its lease is over: by the
// next tasks/get, or by the schedule.
func TestExpiredLease(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"get", "schedule"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			var runs atomic.Int32
			begun, block := make(chan struct{}), make(chan struct{})
			var once sync.Once
			unblock := func() { once.Do(func() { close(block) }) }
			defer unblock()
			r := c.start(func(e *mcpengine.Engine) {
				add(e, "work", func(context.Context) (string, error) {
					if runs.Add(1) == 1 {
						close(begun)
						<-block // as if its process were gone
						return "", errors.New("too late")
					}
					return "done", nil
				})
			})
			id := r.call("work")
			<-begun
			c.age(id, "lease", "due")
			if by == "schedule" {
				if _, err := r.extension.LambdaEvent(t.Context(), json.RawMessage(`{"mcpengine/tasks":{"wake":true}}`)); err != nil {
					t.Fatal(err)
				}
			} else {
				// The process that runs the task does not wake it: another one has to.
				c.start(func(e *mcpengine.Engine) {
					add(e, "work", func(context.Context) (string, error) { return "done", nil })
				}).
					send("tasks/get", fmt.Sprintf(`"taskId":%q`, id))
			}
			if got := text(r.await(id, "completed")); !strings.Contains(got, "done") {
				t.Errorf("result = %s", got)
			}
			unblock()
		})
	}
}

// age has times of a task lie in the past, in the head and in its record.
func (c *cloud) age(id string, attributes ...string) {
	c.Helper()
	past := time.Now().Add(-time.Hour)
	backend := c.replicas[0].backend
	if _, err := backend.Update(c.Context(), id, func(r *tasks.Record) error {
		for _, name := range attributes {
			switch name {
			case "lease":
				r.Lease = past
			case "due":
				r.Due = past
			case "expires":
				r.Expires = past
			}
		}
		return nil
	}); err != nil {
		c.Fatal(err)
	}
}

// A task whose time is over ends when somebody asks for it, or the schedule comes.
func TestExpires(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(e *mcpengine.Engine) {
		add(e, "ask", func(ctx context.Context) (string, error) {
			_, err := mcpengine.Elicit[approval](ctx, "Well?", mcpengine.WithKey("well"))
			return "", err
		})
	})
	for _, by := range []string{"get", "schedule"} {
		id := r.call("ask")
		r.await(id, "input_required")
		c.age(id, "expires")
		if by == "schedule" {
			if _, err := r.extension.LambdaEvent(t.Context(), json.RawMessage(`{"mcpengine/tasks":{"wake":true}}`)); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.await(id, "failed"); !strings.Contains(fmt.Sprint(got["statusMessage"]), "within its time") {
			t.Errorf("%s: %v", by, got)
		}
	}
}

// What a task costs, as docs/tasks.md says it.
func TestRequests(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(e *mcpengine.Engine) {
		add(e, "steps", func(ctx context.Context) (string, error) {
			for i := range 3 {
				if _, err := mcpengine.Step(ctx, fmt.Sprint(i), func(context.Context) (int, error) { return i, nil }); err != nil {
					return "", err
				}
			}
			return "done", nil
		})
	})
	c.mu.Lock()
	clear(c.requests)
	c.mu.Unlock()
	id := r.call("steps")
	c.settle()
	c.mu.Lock()
	got := map[string]int{"PutItem": c.requests["PutItem"], "TransactWriteItems": c.requests["TransactWriteItems"], "Invoke": int(c.invoked.Load())}
	reads := c.requests["GetItem"]
	c.mu.Unlock()
	// Created, claimed; a step each, the end.
	if want := map[string]int{"PutItem": 2, "TransactWriteItems": 4, "Invoke": 1}; !maps.Equal(got, want) {
		t.Errorf("a task of three steps takes %v, want %v", got, want)
	}
	// One for each change but the first, one at the end, and those that look whether
	// the task was cancelled.
	if reads < 6 || reads > 20 {
		t.Errorf("a task of three steps reads %d items", reads)
	}
	r.await(id, "completed")
}

// A short sleep is waited for in the invocation, a long one ends it and is ended
// by the schedule.
func TestSleep(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(e *mcpengine.Engine) {
		for name, d := range map[string]time.Duration{"nap": 1100 * time.Millisecond, "night": 8 * time.Hour} {
			add(e, name, func(ctx context.Context) (string, error) { return "awake", tasks.Sleep(ctx, d) })
		}
	})
	r.await(r.call("nap"), "completed")
	if n := c.invoked.Load(); n != 1 {
		t.Errorf("a nap takes %d invocations", n)
	}
	id := r.call("night")
	c.settle()
	if got := r.send("tasks/get", fmt.Sprintf(`"taskId":%q`, id)); got["status"] != "working" {
		t.Fatalf("asleep: %v", got)
	}
	if _, err := r.backend.Update(t.Context(), id, func(r *tasks.Record) error {
		r.Entries[0].Next = time.Now().Add(-time.Minute)
		r.Due = r.Entries[0].Next
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.extension.LambdaEvent(t.Context(), json.RawMessage(`{"mcpengine/tasks":{"wake":true}}`)); err != nil {
		t.Fatal(err)
	}
	r.await(id, "completed")
}

// settle waits for the invocations under way.
func (c *cloud) settle() { c.running.Wait() }

// A running handler is stopped within a second, whichever replica is asked.
func TestCancel(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	running, stopped := make(chan struct{}, 1), make(chan time.Time, 1)
	tools := func(e *mcpengine.Engine) {
		add(e, "run", func(ctx context.Context) (string, error) {
			running <- struct{}{}
			<-ctx.Done()
			stopped <- time.Now()
			return "", context.Cause(ctx)
		})
	}
	one, two := c.start(tools), c.start(tools)
	id := one.call("run")
	<-running
	asked := time.Now()
	for _, r := range []*replica{two, one} { // one of them does not run it
		r.send("tasks/cancel", fmt.Sprintf(`"taskId":%q`, id))
	}
	if took := (<-stopped).Sub(asked); took > time.Second {
		t.Errorf("the handler was stopped after %v, want a second at most", took)
	}
	one.await(id, "cancelled")
}

// A call is refused when the task cannot be stored, or nobody would run it, and
// nothing is left of it.
func TestAway(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(e *mcpengine.Engine) {
		add(e, "quick", func(context.Context) (string, error) { return "done", nil })
	})
	for name, down := range map[string]*atomic.Bool{"the table": &c.tableDown, "the function": &c.down} {
		down.Store(true)
		got := r.try("tools/call", `"name":"quick","arguments":{}`)
		if got.Error == nil || got.Error.Code != -32603 || !strings.Contains(got.Error.Message, "try again later") {
			t.Errorf("%s is away: %+v", name, got)
		}
		down.Store(false)
	}
	if got := c.items(); len(got) != 0 {
		t.Errorf("left in the table: %v", got)
	}
}

// What the table does not take is refused before the task is acknowledged.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	r := c.start(func(e *mcpengine.Engine) {
		mcpengine.AddTool(e, "take", "", func(context.Context, struct {
			Text string `json:"text"`
		},
		) (string, error) {
			return "taken", nil
		}, tasks.Durable(tasks.Grace(0)))
		add(e, "give", func(context.Context) (string, error) { return strings.Repeat("x", 4<<20), nil })
	})
	got := r.try("tools/call", fmt.Sprintf(`"name":"take","arguments":{"text":%q}`, strings.Repeat("x", 3600<<10)))
	if got.Error == nil || !strings.Contains(got.Error.Message, "more than a task can hold") {
		t.Errorf("%+v", got)
	}
	if task := r.await(r.call("give"), "failed"); !strings.Contains(fmt.Sprint(task["statusMessage"]), "larger than the store") {
		t.Errorf("%v", task)
	}
}

// What a step writes in the transaction of the journal is there exactly once, and
// not at all when the step fails; a condition that does not hold is its error.
func TestTx(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ledger, _ := newTable(t, c.server.URL)
	put := func(name string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &ledger, ConditionExpression: sdk.String("attribute_not_exists(task)"),
			Item: map[string]types.AttributeValue{"task": &types.AttributeValueMemberS{Value: name}, "part": &types.AttributeValueMemberS{Value: "entry"}},
		}}
	}
	var attempts atomic.Int32
	step := func(name string, fail int32) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			return mcpengine.Step(ctx, "write", func(ctx context.Context) (string, error) {
				tx, err := tasks.Tx[*aws.Tx](ctx)
				if err == nil {
					err = tx.Write(put(name))
				}
				if err == nil && attempts.Add(1) < fail {
					err = errors.New("not yet")
				}
				return "written", err
			}, tasks.Retry(3, time.Millisecond))
		}
	}
	r := c.start(func(e *mcpengine.Engine) {
		add(e, "write", step("one", 3))
		add(e, "again", step("one", 0))
		add(e, "many", func(ctx context.Context) (string, error) {
			return mcpengine.Step(ctx, "many", func(ctx context.Context) (string, error) {
				tx, err := tasks.Tx[*aws.Tx](ctx)
				if err != nil {
					return "", err
				}
				return "", tx.Write(make([]types.TransactWriteItem, 26)...)
			})
		})
	})
	if got := text(r.await(r.call("write"), "completed")); !strings.Contains(got, "written") || attempts.Load() != 3 {
		t.Errorf("%s after %d attempts", got, attempts.Load())
	}
	if got := text(r.await(r.call("again"), "completed")); !strings.Contains(got, "ConditionalCheckFailed") || !strings.Contains(got, "isError:true") {
		t.Errorf("written before: %s", got)
	}
	if got := text(r.await(r.call("many"), "completed")); !strings.Contains(got, "25 items") {
		t.Errorf("too many: %s", got)
	}
}

// A backend that cannot work says so when it is opened.
func TestOpenErrors(t *testing.T) {
	t.Parallel()
	here := aws.WithConfig(config("http://127.0.0.1:1"))
	for want, open := range map[string]func() (*aws.Backend, error){
		"it has no name":               func() (*aws.Backend, error) { return aws.Open("", here, aws.WithFunction("f")) },
		"this process belongs to none": func() (*aws.Backend, error) { return aws.Open("t", here) },
		"AWS_REGION is not set": func() (*aws.Backend, error) {
			return aws.Open("t", aws.WithConfig(sdk.Config{}), aws.WithFunction("f"))
		},
		"WithMargin": func() (*aws.Backend, error) { return aws.Open("t", here, aws.WithFunction("f"), aws.WithMargin(0)) },
	} {
		if _, err := open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %s", err, want)
		}
	}
}
