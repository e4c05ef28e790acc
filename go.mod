module github.com/mcpengine/mcpengine

go 1.26.0

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/google/jsonschema-go v0.4.3 // indirect
	golang.org/x/tools v0.52.0 // indirect
)
