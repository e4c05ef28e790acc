package aws

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// A change is what a new state of a record writes.
type change struct {
	snapshot // the new one
	items    []types.TransactWriteItem
	later    []string // sort keys of items that are removed afterwards
}

// changeOf compares a record with what was read of it. Before is nil for a new
// record. The first item is the head.
func (b *Backend) changeOf(before *snapshot, r *tasks.Record) (*change, error) {
	s, err := splitRecord(r)
	if err != nil {
		return nil, err
	}
	c := &change{snapshot: snapshot{id: r.ID, rev: 1, write: rand.Text(), ttl: removal(r).Unix(), parts: make(map[string]part), split: s}}
	condition := "attribute_not_exists(#task)"
	values := item(nil)
	names := map[string]string{"#task": attrTask}
	if before != nil {
		c.rev = before.rev + 1
		condition, names = "#rev = :rev", map[string]string{"#rev": attrRev}
		values = item{":rev": num(before.rev)}
	}
	written := 0
	for name, text := range s.parts {
		if before != nil && bytes.Equal(text, before.split.parts[name]) && before.parts[name].Chunks > 0 {
			c.parts[name] = before.parts[name]
			continue
		}
		c.parts[name] = part{c.rev, max(1, (len(text)+maxChunk-1)/maxChunk)}
		written += len(text)
		for i, k := range c.parts[name].keys(name) {
			c.put(b.table, item{
				attrTask: str(r.ID), attrPart: str(k), attrRev: num(c.rev), attrTTL: num(c.ttl),
				attrBody: bin(text[i*maxChunk : min(len(text), (i+1)*maxChunk)]),
			})
		}
	}
	head, err := c.headItem(r)
	if err != nil {
		return nil, err
	}
	c.items = append([]types.TransactWriteItem{{Put: &types.Put{
		TableName: &b.table, Item: head, ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}}, c.items...)
	if written+len(s.head) > maxWrite || len(c.items) > maxItems {
		return nil, tasks.ErrTooLarge
	}
	c.remove(b.table, before)
	return c, nil
}

func (c *change) put(table string, it item) {
	c.items = append(c.items, types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: it}})
}

// remove removes the items of parts that are no more: in the same transaction if
// there is room, and afterwards if not. Nothing refers to them then.
func (c *change) remove(table string, before *snapshot) {
	if before == nil {
		return
	}
	for name, p := range before.parts {
		for i, k := range p.keys(name) {
			switch {
			case i < c.parts[name].Chunks:
			case len(c.items) < maxItems:
				c.items = append(c.items, types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: key(c.id, k)}})
			default:
				c.later = append(c.later, k)
			}
		}
	}
}

func (c *change) headItem(r *tasks.Record) (item, error) {
	manifest, err := json.Marshal(c.parts)
	if err != nil {
		return nil, fmt.Errorf("encode a task: %w", err)
	}
	head := item{
		attrTask: str(r.ID), attrPart: str(headPart), attrRev: num(c.rev), attrWrite: str(c.write),
		attrStatus: str(string(r.Status)), attrExpires: num(millis(r.Expires)), attrTTL: num(c.ttl),
		attrParts: bin(manifest), attrBody: bin(c.head),
	}
	if r.Owner != "" {
		head[attrOwner] = str(r.Owner)
	}
	if !r.Due.IsZero() {
		head[attrDue] = num(millis(r.Due))
	}
	if !r.Lease.IsZero() {
		head[attrLease] = num(millis(r.Lease))
	}
	if at := attention(r); !at.IsZero() {
		head[attrQueue], head[attrAt] = str(theQueue), num(millis(at))
	}
	return head, nil
}

var errConflict = errors.New("the task was changed by somebody else")

// commit writes a change, together with what a step wants to write.
func (b *Backend) commit(ctx context.Context, c *change, more []types.TransactWriteItem) error {
	var err error
	if items := append(c.items, more...); len(items) == 1 {
		p := items[0].Put
		_, err = b.dynamo.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
			ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues,
		})
	} else {
		_, err = b.dynamo.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	}
	if err != nil {
		return commitError(err, len(c.items))
	}
	for name, p := range c.parts {
		if p.Rev == c.rev {
			b.parts.put(c.id, name, p.Rev, c.split.parts[name])
		}
	}
	for _, k := range c.later {
		if err := b.deleteItem(ctx, c.id, k); err != nil {
			b.logger.WarnContext(ctx, "a part of a task that has ended was not removed before its time", "task", c.id, "error", err)
			break
		}
	}
	return nil
}

// commitError tells a conflict about the record, which is repeated, from what is
// wrong with the items of a step, which begin at own.
func commitError(err error, own int) error {
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return errConflict
	}
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return errConflict
	}
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return fmt.Errorf("write a task: %w", err)
	}
	for i, reason := range cancelled.CancellationReasons {
		switch code := sdk.ToString(reason.Code); {
		case code == "" || code == "None":
		case code == "TransactionConflict", code == "ConditionalCheckFailed" && i < own:
			return errConflict
		case i >= own && (code == "ConditionalCheckFailed" || code == "ValidationError" || code == "ItemCollectionSizeLimitExceeded"):
			return fmt.Errorf("item %d of the transaction: %s: %s: %w", i-own, code, sdk.ToString(reason.Message), tasks.ErrRejected)
		}
	}
	return fmt.Errorf("write a task: %w", err)
}

func (b *Backend) deleteItem(ctx context.Context, id, part string) error {
	_, err := b.dynamo.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &b.table, Key: key(id, part)})
	return err
}

// Create implements [tasks.Store]. A task that cannot be run is not created.
func (b *Backend) Create(ctx context.Context, r *tasks.Record) error {
	c, err := b.changeOf(nil, r)
	if err != nil {
		return err
	}
	switch err := b.commit(ctx, c, nil); {
	case errors.Is(err, errConflict):
		s, err := b.load(ctx, r.ID)
		if err != nil || s.write != c.write {
			return errors.Join(errConflict, err)
		}
	case err != nil:
		return err
	}
	if r.Due.IsZero() || time.Until(r.Due) > 0 {
		return nil
	}
	if err := b.invoke(ctx, r.ID); err != nil {
		if removed := b.Delete(ctx, r.ID); removed == nil {
			return err
		}
		b.logger.WarnContext(ctx, "a task waits until somebody asks for it: the function could not be invoked", "task", r.ID, "error", err)
	}
	return nil
}

// maxConflicts is how often a change is repeated.
const maxConflicts = 20

// Update implements [tasks.Store].
func (b *Backend) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	for attempt := range maxConflicts {
		before, err := b.load(ctx, id)
		if err != nil {
			return nil, err
		}
		r, due, err := before.changed(change)
		if errors.Is(err, tasks.ErrUnchanged) {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		switch written, err := b.replace(ctx, before, r, nil); {
		case err != nil:
			return nil, err
		case written:
			b.follow(ctx, r, due)
			return r, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("write a task: %w, %d times", errConflict, maxConflicts)
}

// changed returns the record after a change, and when it was due before.
func (s *snapshot) changed(change func(*tasks.Record) error) (r *tasks.Record, due time.Time, err error) {
	if r, err = s.join(); err != nil {
		return nil, due, err
	}
	due = r.Due
	return r, due, change(r)
}

// replace writes a record in place of what was read. It reports false when
// somebody else was faster.
func (b *Backend) replace(ctx context.Context, before *snapshot, r *tasks.Record, more []types.TransactWriteItem) (written bool, err error) {
	c, err := b.changeOf(before, r)
	if err != nil {
		return false, err
	}
	if c.ttl > before.ttl && !r.Status.Ended() {
		if err := b.keepLonger(ctx, c, before); err != nil {
			return false, err
		}
	}
	err = b.commit(ctx, c, more)
	if !errors.Is(err, errConflict) {
		return err == nil, err
	}
	// A write whose response was lost is repeated by the SDK, and then meets itself.
	now, err := b.load(ctx, r.ID)
	switch {
	case errors.Is(err, tasks.ErrNotFound):
		return false, err
	case err != nil:
		return false, err
	}
	return now.write == c.write, nil
}

// keepLonger has the table keep the items of a task that gets more time.
func (b *Backend) keepLonger(ctx context.Context, c *change, before *snapshot) error {
	for name, p := range before.parts {
		if c.parts[name].Rev == c.rev {
			continue // it is written anyway
		}
		for _, k := range p.keys(name) {
			_, err := b.dynamo.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &b.table, Key: key(c.id, k),
				UpdateExpression: sdk.String("SET #ttl = :ttl"), ConditionExpression: sdk.String("attribute_exists(#task)"),
				ExpressionAttributeNames: map[string]string{"#ttl": attrTTL, "#task": attrTask}, ExpressionAttributeValues: item{":ttl": num(c.ttl)},
			})
			if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !gone {
				return fmt.Errorf("write a task: %w", err)
			}
		}
	}
	return nil
}

// follow wakes a task that a change has made due.
func (b *Backend) follow(ctx context.Context, r *tasks.Record, before time.Time) {
	if r.Due.IsZero() || r.Due.Equal(before) || time.Until(r.Due) > 0 || b.isRunning(r.ID) {
		return
	}
	if err := b.invoke(ctx, r.ID); err != nil {
		b.logger.WarnContext(ctx, "a task waits until somebody asks for it: the function could not be invoked", "task", r.ID, "error", err)
	}
}

// pause waits before a change is repeated.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(time.Duration(attempt+1) * 5 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Delete implements [tasks.Store].
func (b *Backend) Delete(ctx context.Context, id string) error {
	s, err := b.load(ctx, id)
	if errors.Is(err, tasks.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	b.parts.drop(id)
	keys := []string{headPart} // first: nothing refers to the others then
	for name, p := range s.parts {
		keys = append(keys, p.keys(name)...)
	}
	for _, k := range keys {
		if err := b.deleteItem(ctx, id, k); err != nil {
			return fmt.Errorf("remove a task: %w", err)
		}
	}
	return nil
}
