package aws

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// Get implements [tasks.Store]. It also wakes a task that should have been run or
// ended by now: the process that had it is dead, or nothing has looked for it.
func (b *Backend) Get(ctx context.Context, id string) (*tasks.Record, error) {
	s, err := b.load(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := s.join()
	if err != nil {
		return nil, err
	}
	if now := time.Now(); overdue(r.Status, r.Due, r.Lease, r.Expires, now) && b.mayWake(id, now) {
		if err := b.invoke(ctx, id); err != nil {
			b.logger.WarnContext(ctx, "a task that is overdue was not woken", "task", id, "error", err)
		}
	}
	return r, nil
}

// How often a process wakes one task, and of how many it remembers that.
const (
	wakeEvery = 5 * time.Second
	maxWoken  = 1_000
)

// mayWake reports whether the task was not woken a moment ago, and does not run
// here.
func (b *Backend) mayWake(id string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running[id] > 0 || now.Sub(b.woken[id]) < wakeEvery {
		return false
	}
	if len(b.woken) >= maxWoken {
		clear(b.woken)
	}
	b.woken[id] = now
	return true
}

// Expired implements [tasks.Store]. Tasks that have ended are removed by the
// table.
func (b *Backend) Expired(ctx context.Context, now time.Time, limit int) (ids []string, err error) {
	err = b.eachWaiting(ctx, now, func(id string) error {
		s, err := b.state(ctx, id, true)
		switch {
		case errors.Is(err, tasks.ErrNotFound):
			return nil
		case err != nil:
			return err
		case !s.status.Ended() && !now.Before(s.expires):
			if ids = append(ids, id); len(ids) == limit {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ids, err
}

var errEnough = errors.New("enough")

// eachWaiting calls visit with each task that is due or expired, the oldest first.
// The index may be a moment late.
func (b *Backend) eachWaiting(ctx context.Context, now time.Time, visit func(id string) error) error {
	pages := dynamodb.NewQueryPaginator(b.dynamo, &dynamodb.QueryInput{
		TableName: &b.table, IndexName: sdk.String(wakeIndex),
		KeyConditionExpression:    sdk.String("#queue = :queue AND #at <= :now"),
		ExpressionAttributeNames:  map[string]string{"#queue": attrQueue, "#at": attrAt},
		ExpressionAttributeValues: item{":queue": str(theQueue), ":now": num(now.UnixMilli())},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("look for tasks that are due: %w", err)
		}
		for _, it := range page.Items {
			if err := visit(strOf(it[attrTask])); err != nil {
				return err
			}
		}
	}
	return nil
}

// List implements [tasks.Store]. The index may be a moment late.
func (b *Backend) List(ctx context.Context, owner, after string, limit int) (records []*tasks.Record, err error) {
	if owner == "" {
		return nil, nil // nobody's tasks have no index
	}
	query := &dynamodb.QueryInput{
		TableName: &b.table, IndexName: sdk.String(ownerIndex), Limit: sdk.Int32(int32(limit)), //nolint:gosec // a page
		KeyConditionExpression:    sdk.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": attrOwner},
		ExpressionAttributeValues: item{":owner": str(owner)},
	}
	if after != "" {
		query.KeyConditionExpression = sdk.String("#owner = :owner AND #task > :after")
		query.ExpressionAttributeNames["#task"], query.ExpressionAttributeValues[":after"] = attrTask, str(after)
	}
	for pages := dynamodb.NewQueryPaginator(b.dynamo, query); pages.HasMorePages() && len(records) < limit; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list tasks: %w", err)
		}
		for _, it := range page.Items {
			s, err := b.load(ctx, strOf(it[attrTask]))
			if errors.Is(err, tasks.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			r, err := s.join()
			if err != nil {
				return nil, err
			}
			if records = append(records, r); len(records) == limit {
				break
			}
		}
	}
	return records, nil
}
