package main

import (
	"embed"

	"github.com/mcpengine/mcpengine/ext/apps"
)

//go:embed view/*.html view/*.css view/*.js
var files embed.FS

// newView returns the page that hosts show the board in.
func newView() (*apps.View, error) {
	return apps.NewView("board", files, "view/board.html", apps.ViewConfig{
		Description:   "The messages of the board, and a form to post one.",
		PrefersBorder: new(true),
	})
}
