// Package apps is the extension MCP Apps of the protocol
// (io.modelcontextprotocol/ui, SEP-1865): a tool shows its result in a view, an
// HTML document that a host renders in a sandboxed frame.
//
//	view, err := apps.NewView("board", files, "view/board.html", apps.ViewConfig{})
//	e := mcpengine.New("board", mcpengine.WithExtension(apps.Extension(view)))
//	mcpengine.AddTool(e, "get_messages", "Return the recent messages.", getMessages, apps.Show(view))
//
// [NewView] makes one document of a page and the files it loads. [Show] and
// [VisibleTo] are options of tools. [Declarations] writes TypeScript types for the
// scripts of a view. docs/apps.md has all of it.
package apps
