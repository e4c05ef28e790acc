package inspector

import "embed"

//go:embed page
var pageFiles embed.FS
