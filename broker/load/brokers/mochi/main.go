// Command mochi serves mochi-mqtt on one port, for measurements.
package main

import (
	"io"
	"log/slog"
	"math"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/mqttwarden/mqttwarden/broker/load/internal/program"
)

func main() { program.Main(start) }

func start(o program.Options) (io.Closer, error) {
	config, _, err := o.TLS()
	if err != nil {
		return nil, err
	}
	limits := mqtt.NewDefaultServerCapabilities()
	// Its defaults drop messages of clients that are merely busy.
	limits.ReceiveMaximum, limits.MaximumInflight = math.MaxUint16, math.MaxUint16
	limits.MaximumClientWritesPending = 64 << 10
	s := mqtt.New(&mqtt.Options{Capabilities: limits, Logger: slog.New(slog.DiscardHandler)})
	if err := s.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, err
	}
	where := listeners.Config{ID: "load", Address: o.Listen, TLSConfig: config}
	var l listeners.Listener = listeners.NewTCP(where)
	if o.WebSocket {
		l = listeners.NewWebsocket(where)
	}
	if err := s.AddListener(l); err != nil {
		return nil, err
	}
	return s, s.Serve()
}
