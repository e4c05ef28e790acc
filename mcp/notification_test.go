package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestNotificationParams(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.CancelledNotificationParams{RequestID: mcp.IntegerID(0)}, `{"requestId":0}`},
		{
			mcp.CancelledNotificationParams{Meta: mcp.Meta{"k": "v"}, RequestID: mcp.StringID("r1"), Reason: "The user left."},
			`{"_meta":{"k":"v"}, "requestId":"r1", "reason":"The user left."}`,
		},
		{mcp.ProgressNotificationParams{ProgressToken: mcp.StringID("t")}, `{"progressToken":"t", "progress":0}`},
		{
			mcp.ProgressNotificationParams{
				Meta: mcp.Meta{"k": "v"}, ProgressToken: mcp.IntegerID(3), Progress: 0.5, Total: new(0.0), Message: "Sounding",
			},
			`{"_meta":{"k":"v"}, "progressToken":3, "progress":0.5, "total":0, "message":"Sounding"}`,
		},
		{
			mcp.LoggingMessageNotificationParams{
				Meta: mcp.Meta{"k": "v"}, Level: mcp.LoggingLevelWarning, Logger: "gauge", Data: json.RawMessage(`{"level":3}`),
			},
			`{"_meta":{"k":"v"}, "level":"warning", "logger":"gauge", "data":{"level":3}}`,
		},
		{
			mcp.LoggingMessageNotificationParams{Level: mcp.LoggingLevelInfo, Data: json.RawMessage(`null`)},
			`{"level":"info", "data":null}`,
		},
		{mcp.ResourceUpdatedNotificationParams{Meta: mcp.Meta{"k": "v"}, URI: "tide://a"}, `{"_meta":{"k":"v"}, "uri":"tide://a"}`},
	})
	testRefusals(t, []refusal{
		{mcp.CancelledNotificationParams{}, `{"requestId":null}`, `decode id`},
		{mcp.ProgressNotificationParams{}, `{"progressToken":0.5,"progress":1}`, `decode id`},
	})
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	all := mcp.SubscriptionFilter{
		ToolsListChanged: true, PromptsListChanged: true, ResourcesListChanged: true,
		ResourceSubscriptions: []string{"tide://a"},
	}
	const allJSON = `{
		"toolsListChanged":true, "promptsListChanged":true, "resourcesListChanged":true, "resourceSubscriptions":["tide://a"]
	}`
	testRoundTrip(t, []wireForm{
		{mcp.SubscriptionsListenRequestParams{}, `{"notifications":{}}`},
		{
			mcp.SubscriptionsListenRequestParams{Meta: mcp.Meta{"k": "v"}, Notifications: all},
			`{"_meta":{"k":"v"}, "notifications":` + allJSON + `}`,
		},
		{
			mcp.SubscriptionsAcknowledgedNotificationParams{Meta: mcp.Meta{mcp.MetaSubscriptionID: "s"}, Notifications: all},
			`{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"}, "notifications":` + allJSON + `}`,
		},
		{
			mcp.SubscriptionsListenResult{Meta: mcp.Meta{mcp.MetaSubscriptionID: "s"}, ResultType: mcp.ResultTypeComplete},
			`{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"}, "resultType":"complete"}`,
		},
	})
	// A subscription id in the metadata keeps the form the request's id had.
	testEncode(t, wireForm{
		mcp.NotificationParams{Meta: mcp.Meta{mcp.MetaSubscriptionID: mcp.IntegerID(1<<53 + 1)}},
		`{"_meta":{"io.modelcontextprotocol/subscriptionId":9007199254740993}}`,
	})
}
