package broker

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// categoryProperty is the User Property of CONNECT in which a client names its
// category.
const categoryProperty = "metriccategory"

// categories returns the categories of a server, each once, after the one of
// whoever has none of them. What is not UTF-8 no client can say. There are few,
// since each is a label; a connection has a byte for its own.
func categories(configured []string) []string {
	all := []string{""}
	for _, c := range configured {
		if len(all) <= math.MaxUint8 && utf8.ValidString(c) && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// categorize finds the category of a client. A text that is not configured is
// none, so that no client can make up figures (OPS-1).
func (c *conn) categorize(p *wire.Connect) {
	if len(c.server.categories) == 1 {
		return
	}
	for name, value := range p.UserProperties.All() {
		if name == categoryProperty {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.category = uint8(max(0, slices.Index(c.server.categories, value)))
			return
		}
	}
}
