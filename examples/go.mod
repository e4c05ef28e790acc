module github.com/mcpengine/mcpengine/examples

go 1.26.0

require github.com/mcpengine/mcpengine v0.0.0

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/google/jsonschema-go v0.4.3 // indirect
)

replace github.com/mcpengine/mcpengine => ../
