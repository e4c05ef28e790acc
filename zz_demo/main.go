package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"bytes"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
)

type docs struct{}
func (docs) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &rec{h: http.Header{}}
	if r.URL.Path == "/logo.png" { d, _ := os.ReadFile("/tmp/logo.png"); w.b.Write(d) } else {
	w.b.WriteString(`{"client_id":"`+r.URL.String()+`","client_name":"Claude","logo_uri":"https://claude.example/logo.png","redirect_uris":["https://claude.example/api/mcp/auth_callback","http://127.0.0.1/cb"]}`) }
	return &http.Response{StatusCode:200, Header: w.h, Body: nop{&w.b}}, nil
}
type rec struct{ h http.Header; b bytes.Buffer }
type nop struct{ *bytes.Buffer }
func (nop) Close() error { return nil }

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:8765")
	if err != nil { panic(err) }
	r, err := auth.NewResource("http://127.0.0.1:8765/mcp", broker.Google("id.apps.googleusercontent.com", "s", broker.Config{Name: "Message board",
		Scopes: []broker.Scope{{"messages:read", "Read messages"}, {"messages:delete", "Delete messages of everybody"}}, DocumentClient: &http.Client{Transport: docs{}}}))
	if err != nil { panic(err) }
	e := mcpengine.New("board", mcpengine.WithAuth(r))
	os.Stdout.WriteString(e.Explain().String())
	e.Serve(context.Background(), l)
}
