package main

import "github.com/mcpengine/mcpengine/client"

// authorization returns the options of the scenarios with authorization. There
// are none yet: the client has no OAuth.
func authorization(scenario) []client.Option { return nil }
