package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// card compares the server card with what the server says of itself. Without a card
// there is no finding, because few servers have one. What the card says of other URLs
// is not known here.
func (x *exam) card(ctx context.Context, discovered *self) {
	if discovered == nil {
		return
	}
	location := *x.url
	location.Path = strings.TrimSuffix(location.Path, "/") + "/server-card"
	location.RawPath, location.RawQuery = "", ""
	var card struct {
		Schema  string `json:"$schema"`
		Name    string
		Version string
		Remotes []struct {
			URL                       string
			SupportedProtocolVersions []string
		}
	}
	if json.Unmarshal(x.get(ctx, &location), &card) != nil || !strings.HasSuffix(card.Schema, "/server-card.schema.json") {
		return
	}
	if card.Version != discovered.release {
		x.warn("card", "the card says version %q, and the server %q", card.Version, discovered.release)
		return
	}
	for _, remote := range card.Remotes {
		if remote.URL == x.URL && len(remote.SupportedProtocolVersions) > 0 && !slices.Equal(remote.SupportedProtocolVersions, discovered.versions) {
			x.warn("card", "the card says that the server speaks %s, and the server says %s",
				strings.Join(remote.SupportedProtocolVersions, ", "), strings.Join(discovered.versions, ", "))
			return
		}
	}
	x.ok("card", "the card of %s agrees with the server", card.Name)
}
