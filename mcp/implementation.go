package mcp

// Implementation describes a piece of client or server software. Name and
// Version are required.
type Implementation struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitzero"`
	Version     string `json:"version"`
	Description string `json:"description,omitzero"`
	WebsiteURL  string `json:"websiteUrl,omitzero"`
	Icons       []Icon `json:"icons,omitzero"`
}

// Icon is a picture that stands for an implementation, tool, prompt or
// resource in a user interface. A program that shows an icon fetched from elsewhere decides
// whether to trust where it comes from, and should take care with SVG, which
// can carry scripts.
type Icon struct {
	// Src is an HTTP or HTTPS URL, or a data: URI. Required.
	Src      string `json:"src"`
	MIMEType string `json:"mimeType,omitzero"`
	// Sizes holds entries such as "48x48", or "any" for a scalable picture.
	Sizes []string  `json:"sizes,omitzero"`
	Theme IconTheme `json:"theme,omitzero"`
}

// IconTheme is the background an [Icon] is made for. The empty theme suits any.
type IconTheme string

// The icon themes.
const (
	IconThemeLight IconTheme = "light"
	IconThemeDark  IconTheme = "dark"
)
