package skills

import (
	"path"
	"strings"
	"unicode/utf8"
)

// mimeTypes are the media types of file names. The tables of package mime depend
// on the machine, and replicas have to agree.
var mimeTypes = map[string]string{
	".bash": "text/x-shellscript",
	".c":    "text/x-c",
	".css":  "text/css",
	".csv":  "text/csv",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".gif":  "image/gif",
	".go":   "text/x-go",
	".gz":   "application/gzip",
	".html": "text/html",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".js":   "text/javascript",
	".json": "application/json",
	".md":   "text/markdown",
	".mjs":  "text/javascript",
	".mp3":  "audio/mpeg",
	".mp4":  "video/mp4",
	".pdf":  "application/pdf",
	".png":  "image/png",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".ps1":  "text/x-powershell",
	".py":   "text/x-python",
	".rb":   "text/x-ruby",
	".rs":   "text/x-rust",
	".sh":   "text/x-shellscript",
	".sql":  "application/sql",
	".svg":  "image/svg+xml",
	".toml": "application/toml",
	".ts":   "text/x-typescript",
	".tsx":  "text/x-typescript",
	".ttf":  "font/ttf",
	".txt":  "text/plain",
	".wasm": "application/wasm",
	".wav":  "audio/wav",
	".webp": "image/webp",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".xml":  "application/xml",
	".yaml": "application/yaml",
	".yml":  "application/yaml",
	".zip":  "application/zip",
}

// mimeTypeOf returns the media type of a file.
func mimeTypeOf(name string, content []byte) string {
	if t := mimeTypes[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	if utf8.Valid(content) {
		return "text/plain"
	}
	return "application/octet-stream"
}

// isText reports whether content travels as text. Text that is not UTF-8 does
// not: its bytes would change.
func isText(mimeType string, content []byte) bool {
	switch mimeType {
	case "application/json", "application/sql", "application/toml", "application/xml", "application/yaml", "image/svg+xml":
	default:
		if !strings.HasPrefix(mimeType, "text/") {
			return false
		}
	}
	return utf8.Valid(content)
}
