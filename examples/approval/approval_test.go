package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A report is published if a person approves it, and only then.
func TestApproval(t *testing.T) {
	t.Parallel()
	backend, err := river.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "approval.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	reports, err := newSQLShelf(t.Context(), backend.DB())
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(backend, author{shelf: reports})
	defer e.Close()
	tests := []struct {
		title  string
		answer func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error)
		want   string
	}{
		{"Sales", mcptest.Accept(approval{Approve: true}), `The report "Sales" is published.`},
		{"Losses", mcptest.Accept(approval{Remark: "Not now."}), "The report was not approved. Not now."},
		{"Rumours", func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
		}, "The report was not approved."},
	}
	for _, test := range tests {
		c := mcptest.New(e, client.WithHandlers(client.Handlers{ElicitForm: test.answer}))
		got, err := c.CallTool(t.Context(), "publish_report", report{Title: test.title, Chapters: 2})
		if err != nil || got.Text() != test.want {
			t.Errorf("%s: %v, %v, want %s", test.title, got, err, test.want)
		}
	}
	got, err := mcptest.New(e).CallTool(t.Context(), "list_reports", struct{}{})
	if err != nil || got.Text() != `["Sales"]` {
		t.Errorf("published: %v, %v", got, err)
	}
}
