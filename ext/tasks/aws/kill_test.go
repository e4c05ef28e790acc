package aws_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/aws"
	"github.com/mcpengine/mcpengine/internal/locallambda"
)

const (
	// tableVariable holds the tables of tasks and of the ledger, for the function
	// that the kill test runs.
	tableVariable = "AWS_TEST_TABLES"

	// killsVariable says how often a process is killed.
	killsVariable = "CHAOS_KILLS"
)

// The steps of a task of the kill test. Some have their effect in the transaction
// of the journal, the others outside of it.
var (
	steps  = []string{"tx1", "out1", "tx2", "out2", "tx3"}
	inside = map[string]bool{"tx1": true, "tx2": true, "tx3": true}
)

type ledgerIn struct {
	Name string `json:"name"`
}

// serveLedger is a function that somebody kills.
func serveLedger(tables string) error {
	table, ledger, _ := strings.Cut(tables, " ")
	backend, err := aws.Open(table, aws.WithLogger(quiet()))
	if err != nil {
		return err
	}
	own := dynamodb.NewFromConfig(config(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")))
	e := mcpengine.New("ledger", mcpengine.WithLogger(quiet()),
		mcpengine.WithExtension(tasks.Extension(backend, tasks.WithLogger(quiet()), tasks.WithLease(time.Second))))
	mcpengine.AddTool(e, "ledger", "", func(ctx context.Context, in ledgerIn) (string, error) {
		for _, name := range steps {
			if _, err := mcpengine.Step(ctx, name, func(ctx context.Context) (string, error) {
				return "", writeLedger(ctx, own, ledger, in.Name, name)
			}, tasks.Retry(1_000, 100*time.Millisecond)); err != nil {
				return "", err
			}
		}
		return "done", nil
	}, tasks.Durable(tasks.Grace(0)))
	return e.Run(context.Background())
}

// writeLedger notes a step, as often as it is called.
func writeLedger(ctx context.Context, own *dynamodb.Client, ledger, task, step string) error {
	entry := map[string]types.AttributeValue{
		"task": &types.AttributeValueMemberS{Value: task}, "part": &types.AttributeValueMemberS{Value: step + " " + rand.Text()},
		"key": &types.AttributeValueMemberS{Value: tasks.IdempotencyKey(ctx)},
	}
	if !inside[step] {
		_, err := own.PutItem(ctx, &dynamodb.PutItemInput{TableName: &ledger, Item: entry})
		return err
	}
	tx, err := tasks.Tx[*aws.Tx](ctx)
	if err != nil {
		return err
	}
	return tx.Write(types.TransactWriteItem{Put: &types.Put{TableName: &ledger, Item: entry}})
}

// Processes are killed and frozen at any moment, and events are delivered twice.
// Every task ends, what its steps write in the journal's transaction is there
// exactly once, and what they write outside is there at least once and always
// under one key.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("processes that are killed are waited for")
	}
	kills := 60
	if text := os.Getenv(killsVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
		kills = n
	}
	url := moto.start(t)
	table, client := newTable(t, url)
	ledger, _ := newTable(t, url)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := locallambda.New(t.Context(), locallambda.Options{
		Bootstrap: program, Instances: 4, Freeze: true, Duplicates: 5, Timeout: 20 * time.Second,
		Retries: []time.Duration{200 * time.Millisecond, 400 * time.Millisecond},
		Env:     []string{tableVariable + "=" + table + " " + ledger, "AWS_ENDPOINT_URL_DYNAMODB=" + url},
		Log:     os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	var freezes sync.WaitGroup
	for i := range kills {
		begin(t.Context(), p.URL(), fmt.Sprintf("task-%d", i))
		moment := time.NewTimer(mathrand.N(150 * time.Millisecond))
		<-moment.C
		if i%6 == 0 {
			freezes.Go(func() { freeze(p, mathrand.IntN(4)) })
		}
		p.Kill(mathrand.IntN(4))
	}
	freezes.Wait()
	begin(t.Context(), p.URL(), "task-last")
	all := awaitAll(t, p, client, table)
	t.Logf("%d tasks after %d kills: %d processes, %d events that were given up", all, p.Count(locallambda.Killed), p.Count(locallambda.Started), p.Count(locallambda.Dropped))
	checkLedger(t, client, ledger, all)
}

// freeze stops a process for longer than the lease of its run.
func freeze(p *locallambda.Platform, i int) {
	if p.Freeze(i) != nil {
		return // it is gone
	}
	timer := time.NewTimer(1500 * time.Millisecond)
	<-timer.C
	_ = p.Thaw(i) // it is gone when this fails
}

// begin calls the tool. The process that answers may be killed.
func begin(ctx context.Context, url, task string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ledger","arguments":{"name":%q},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`, task)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/mcp", strings.NewReader(body))
	if err != nil {
		return
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "ledger"} {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
}

// awaitAll waits until all tasks have ended, and returns how many there are. It
// wakes those that are overdue, as a schedule does.
func awaitAll(t *testing.T, p *locallambda.Platform, client *dynamodb.Client, table string) (all int) {
	t.Helper()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	last, since := -1, time.Now()
	for {
		statuses := statusesOf(t, client, table)
		ended := 0
		for id, status := range statuses {
			switch {
			case !status.Ended():
				continue
			case status != tasks.Completed:
				t.Errorf("the task %s is %s", id, status)
			}
			ended++
		}
		switch {
		case ended == len(statuses):
			return ended
		case ended != last:
			last, since = ended, time.Now()
		case time.Since(since) > 2*time.Minute:
			t.Fatalf("%d of %d tasks have not ended", len(statuses)-ended, len(statuses))
		}
		if result, err := p.Invoke(t.Context(), []byte(`{"mcpengine/tasks":{"wake":true}}`)); err != nil || result.FunctionError != "" {
			t.Errorf("the schedule: %s %s, %v", result.FunctionError, result.Payload, err)
		}
		<-ticker.C
	}
}

func statusesOf(t *testing.T, client *dynamodb.Client, table string) map[string]tasks.Status {
	t.Helper()
	found := make(map[string]tasks.Status)
	for pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: sdk.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			if status, ok := it["status"].(*types.AttributeValueMemberS); ok {
				found[it["task"].(*types.AttributeValueMemberS).Value] = tasks.Status(status.Value)
			}
		}
	}
	return found
}

// checkLedger compares the effects with what was promised.
func checkLedger(t *testing.T, client *dynamodb.Client, ledger string, all int) {
	t.Helper()
	times := make(map[string]map[string]int)            // by step and task
	keys := make(map[string]map[string]map[string]bool) // and by key
	for _, step := range steps {
		times[step], keys[step] = make(map[string]int), make(map[string]map[string]bool)
	}
	for pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &ledger, ConsistentRead: sdk.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			task := it["task"].(*types.AttributeValueMemberS).Value
			step, _, _ := strings.Cut(it["part"].(*types.AttributeValueMemberS).Value, " ")
			times[step][task]++
			if keys[step][task] == nil {
				keys[step][task] = make(map[string]bool)
			}
			keys[step][task][it["key"].(*types.AttributeValueMemberS).Value] = true
		}
	}
	repeated := 0
	for _, step := range steps {
		for task, n := range times[step] {
			if n > 1 {
				repeated++
			}
			if len(keys[step][task]) != 1 || inside[step] && n != 1 {
				t.Errorf("%s of %s: %d times under %d keys", step, task, n, len(keys[step][task]))
			}
		}
		if len(times[step]) != all {
			t.Errorf("%s was done for %d of %d tasks", step, len(times[step]), all)
		}
	}
	t.Logf("%d effects outside of the transaction happened more than once", repeated)
}
