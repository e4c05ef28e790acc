package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// Names of the table's attributes and indexes.
const (
	attrTask    = "task" // the partition key
	attrPart    = "part" // the sort key
	attrRev     = "rev"
	attrWrite   = "write" // names the write, to know it again
	attrOwner   = "owner"
	attrQueue   = "queue"
	attrAt      = "at"
	attrStatus  = "status"
	attrDue     = "due"
	attrLease   = "lease"
	attrExpires = "expires"
	attrTTL     = "ttl"
	attrParts   = "parts"
	attrBody    = "body"

	headPart   = "task"  // the sort key of heads
	theQueue   = "tasks" // the value of attrQueue
	ownerIndex = "owner"
	wakeIndex  = "wake"
)

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func strOf(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func numOf(v types.AttributeValue) int64 {
	s, _ := v.(*types.AttributeValueMemberN)
	if s == nil {
		return 0
	}
	n, _ := strconv.ParseInt(s.Value, 10, 64) // DynamoDB has checked it
	return n
}

func binOf(v types.AttributeValue) []byte {
	b, _ := v.(*types.AttributeValueMemberB)
	if b == nil {
		return nil
	}
	return b.Value
}

// millis is a time as the table has it; zero stays zero.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(v types.AttributeValue) time.Time {
	n := numOf(v)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

func key(id, part string) item { return item{attrTask: str(id), attrPart: str(part)} }

// A snapshot is a record as it was read, with what its next writer has to know.
type snapshot struct {
	id    string
	rev   int64
	write string
	ttl   int64
	parts map[string]part
	split
}

var errTorn = errors.New("the task was changed while it was read")

// maxTorn is how often a task is read that changes at the same time.
const maxTorn = 10

// load reads a record.
func (b *Backend) load(ctx context.Context, id string) (*snapshot, error) {
	for range maxTorn {
		s, err := b.loadOnce(ctx, id)
		if !errors.Is(err, errTorn) {
			return s, err
		}
	}
	return nil, fmt.Errorf("read a task: %w", errTorn)
}

func (b *Backend) loadOnce(ctx context.Context, id string) (*snapshot, error) {
	got, err := b.dynamo.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.table, Key: key(id, headPart), ConsistentRead: sdk.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read a task: %w", err)
	}
	if got.Item == nil {
		return nil, tasks.ErrNotFound
	}
	s := &snapshot{
		id: id, rev: numOf(got.Item[attrRev]), write: strOf(got.Item[attrWrite]), ttl: numOf(got.Item[attrTTL]),
		split: split{head: binOf(got.Item[attrBody]), parts: make(map[string][]byte)},
	}
	var manifest map[string]part
	if err := json.Unmarshal(binOf(got.Item[attrParts]), &manifest); err != nil {
		return nil, fmt.Errorf("decode a task: %w", err)
	}
	s.parts = manifest
	return s, b.loadParts(ctx, s)
}

// fewItems is how many items are read one by one.
const fewItems = 8

// loadParts reads what the cache does not have.
func (b *Backend) loadParts(ctx context.Context, s *snapshot) error {
	missing := make(map[string]part)
	items := 0
	for name, p := range s.parts {
		if text, ok := b.parts.get(s.id, name, p.Rev); ok {
			s.split.parts[name] = text
			continue
		}
		missing[name] = p
		items += p.Chunks
	}
	if items == 0 {
		return nil
	}
	read := b.loadEach
	if items > fewItems {
		read = b.loadAll
	}
	chunks, err := read(ctx, s.id, missing)
	if err != nil {
		return fmt.Errorf("read the journal of a task: %w", err)
	}
	for name, p := range missing {
		var text []byte
		for _, key := range p.keys(name) {
			chunk, ok := chunks[key]
			if !ok || numOf(chunk[attrRev]) != p.Rev {
				return errTorn
			}
			text = append(text, binOf(chunk[attrBody])...)
		}
		s.split.parts[name] = text
		b.parts.put(s.id, name, p.Rev, text)
	}
	return nil
}

// loadEach reads the items of some parts, by their sort keys.
func (b *Backend) loadEach(ctx context.Context, id string, parts map[string]part) (map[string]item, error) {
	found := make(map[string]item)
	for name, p := range parts {
		for _, k := range p.keys(name) {
			got, err := b.dynamo.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.table, Key: key(id, k), ConsistentRead: sdk.Bool(true)})
			if err != nil {
				return nil, err
			}
			if got.Item != nil {
				found[k] = got.Item
			}
		}
	}
	return found, nil
}

// loadAll reads all items of a task, by their sort keys.
func (b *Backend) loadAll(ctx context.Context, id string, _ map[string]part) (map[string]item, error) {
	found := make(map[string]item)
	pages := dynamodb.NewQueryPaginator(b.dynamo, &dynamodb.QueryInput{
		TableName: &b.table, ConsistentRead: sdk.Bool(true),
		KeyConditionExpression:    sdk.String("#task = :id"),
		ExpressionAttributeNames:  map[string]string{"#task": attrTask},
		ExpressionAttributeValues: item{":id": str(id)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			found[strOf(it[attrPart])] = it
		}
	}
	return found, nil
}

// A state is what the head says of a task without its record.
type state struct {
	rev                 int64
	status              tasks.Status
	due, lease, expires time.Time
}

func (s state) overdue(now time.Time) bool {
	return overdue(s.status, s.due, s.lease, s.expires, now)
}

// state reads the state of a task. The read that may be a moment old costs half.
func (b *Backend) state(ctx context.Context, id string, consistent bool) (state, error) {
	got, err := b.dynamo.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &b.table, Key: key(id, headPart), ConsistentRead: &consistent,
		ProjectionExpression: sdk.String("#rev, #status, #due, #lease, #expires"),
		ExpressionAttributeNames: map[string]string{
			"#rev": attrRev, "#status": attrStatus, "#due": attrDue, "#lease": attrLease, "#expires": attrExpires,
		},
	})
	switch {
	case err != nil:
		return state{}, fmt.Errorf("read the state of a task: %w", err)
	case got.Item == nil:
		return state{}, tasks.ErrNotFound
	}
	return state{
		numOf(got.Item[attrRev]), tasks.Status(strOf(got.Item[attrStatus])),
		timeOf(got.Item[attrDue]), timeOf(got.Item[attrLease]), timeOf(got.Item[attrExpires]),
	}, nil
}
