package config

import (
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/customauth"
)

// custom is a method that asks an authentication server.
type custom struct {
	authentication resource.Key
	name           string // of the chain entry
	method         *customauth.Method
}

// CustomStats are the figures of a Custom method of an open port.
type CustomStats struct {
	Authentication resource.Key
	Method         string // name of the chain entry
	customauth.Stats
}

// CustomStats returns the present figures. They begin anew when the document of
// a method changes. It is safe for concurrent use, also with Apply.
func (k *Keeper) CustomStats() []CustomStats {
	customs := k.customs.Load()
	if customs == nil {
		return nil
	}
	stats := make([]CustomStats, 0, len(*customs))
	for _, c := range *customs {
		stats = append(stats, CustomStats{c.authentication, c.name, c.method.Stats()})
	}
	return stats
}
