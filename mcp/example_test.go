package mcp_test

import (
	"encoding/json"
	"fmt"

	"github.com/mcpengine/mcpengine/mcp"
)

func ExampleCallToolResult() {
	result := mcp.CallToolResult{
		ResultType: mcp.ResultTypeComplete,
		Content: mcp.ContentBlocks{
			mcp.TextContent{Text: "High water at 14:20."},
			mcp.ImageContent{Data: []byte("GIF89a"), MIMEType: "image/gif"},
		},
		StructuredContent: json.RawMessage(`{"at":"14:20"}`),
	}
	data, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(data))
	// Output:
	// {
	//   "resultType": "complete",
	//   "content": [
	//     {
	//       "type": "text",
	//       "text": "High water at 14:20."
	//     },
	//     {
	//       "type": "image",
	//       "data": "R0lGODlh",
	//       "mimeType": "image/gif"
	//     }
	//   ],
	//   "structuredContent": {
	//     "at": "14:20"
	//   }
	// }
}

func ExampleContentBlock() {
	var result mcp.CallToolResult
	err := json.Unmarshal([]byte(`{"content":[
		{"type":"text","text":"See the chart."},
		{"type":"resource_link","uri":"chart://elbe","name":"elbe"}
	]}`), &result)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, block := range result.Content {
		switch block := block.(type) {
		case mcp.TextContent:
			fmt.Println("text:", block.Text)
		case mcp.ResourceLink:
			fmt.Println("link:", block.URI)
		default:
			fmt.Printf("%T\n", block)
		}
	}
	// Output:
	// text: See the chart.
	// link: chart://elbe
}

func ExampleResourceContents() {
	for _, contents := range []mcp.ResourceContents{
		{URI: "log://today", Text: "calm"},
		{URI: "chart://elbe", MIMEType: "image/gif", Blob: []byte("GIF89a")},
	} {
		data, err := json.Marshal(contents)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(data))
	}
	// Output:
	// {"uri":"log://today","text":"calm"}
	// {"uri":"chart://elbe","mimeType":"image/gif","blob":"R0lGODlh"}
}

func ExampleRequestID() {
	pending := map[mcp.RequestID]string{
		mcp.IntegerID(1):  "tools/call",
		mcp.StringID("1"): "resources/read",
	}
	var id mcp.RequestID
	if err := json.Unmarshal([]byte(`"1"`), &id); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pending[id])
	fmt.Println(json.Unmarshal([]byte(`1.5`), &id))
	// Output:
	// resources/read
	// decode id: want a string or an integer, have "1.5"
}

func ExampleToolAnnotations() {
	data, err := json.Marshal(mcp.Tool{
		Name:        "tide",
		InputSchema: json.RawMessage(`{"type":"object"}`),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(false)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(data))
	// Output:
	// {"name":"tide","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"openWorldHint":false}}
}

func ExampleErrorf() {
	err := mcp.Errorf(mcp.CodeInvalidParams, "the city %q is not on the map", "Atlantis")
	fmt.Println(err)
	fmt.Println(string(err.WithData(map[string]string{"city": "Atlantis"}).Data))
	// Output:
	// the city "Atlantis" is not on the map (-32602)
	// {"city":"Atlantis"}
}

func ExampleCallToolResult_Text() {
	result := mcp.CallToolResult{Content: mcp.ContentBlocks{
		mcp.TextContent{Text: "High water at 14:20."},
		mcp.ImageContent{Data: []byte("GIF89a"), MIMEType: "image/gif"},
		mcp.TextContent{Text: "Low water at 20:35."},
	}}
	fmt.Println(result.Text())
	// Output:
	// High water at 14:20.
	// Low water at 20:35.
}
