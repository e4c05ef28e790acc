package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/aws"
)

// A shelf keeps the published reports beside the tasks.
type shelf interface {
	// put puts a report on the shelf, in the transaction of the step that ctx belongs
	// to. So the report is published, and the step done, exactly once.
	put(ctx context.Context, title, body string) error

	titles(ctx context.Context) ([]string, error)
}

// A sqlShelf is a table of the database of the tasks.
type sqlShelf struct{ db *sql.DB }

func newSQLShelf(ctx context.Context, db *sql.DB) (sqlShelf, error) {
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS report (title TEXT NOT NULL, body TEXT NOT NULL)"); err != nil {
		return sqlShelf{}, fmt.Errorf("make the table of reports: %w", err)
	}
	return sqlShelf{db}, nil
}

func (s sqlShelf) put(ctx context.Context, title, body string) error {
	tx, err := tasks.Tx[*sql.Tx](ctx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO report (title, body) VALUES ($1, $2)", title, body)
	return err
}

func (s sqlShelf) titles(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT title FROM report ORDER BY title")
	if err != nil {
		return nil, fmt.Errorf("list the reports: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var title string
		if err := rows.Scan(&title); err != nil {
			return nil, err
		}
		all = append(all, title)
	}
	return all, rows.Err()
}

// A tableShelf are items of the table of the tasks in DynamoDB.
type tableShelf struct {
	table  string
	client *dynamodb.Client
}

// reports is the partition of the reports. No task has such an id.
const reports = "reports"

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (s tableShelf) put(ctx context.Context, title, body string) error {
	tx, err := tasks.Tx[*aws.Tx](ctx)
	if err != nil {
		return err
	}
	return tx.Write(types.TransactWriteItem{Put: &types.Put{
		TableName: &s.table,
		// A key in place of the title alone: two reports may have one title.
		Item: map[string]types.AttributeValue{"task": text(reports), "part": text(title + " " + tasks.IdempotencyKey(ctx)), "title": text(title), "body": text(body)},
	}})
}

func (s tableShelf) titles(ctx context.Context) ([]string, error) {
	condition := "task = :reports"
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: &condition,
		ExpressionAttributeValues: map[string]types.AttributeValue{":reports": text(reports)},
	})
	var all []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the reports: %w", err)
		}
		for _, item := range page.Items {
			if title, ok := item["title"].(*types.AttributeValueMemberS); ok {
				all = append(all, title.Value)
			}
		}
	}
	return all, nil
}
