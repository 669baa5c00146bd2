// Command nats serves nats-server with MQTT on one port, for measurements.
package main

import (
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mqttwarden/mqttwarden/broker/load/internal/program"
)

func main() { program.Main(start) }

type closer struct{ *server.Server }

func (c closer) Close() error {
	c.Shutdown()
	return nil
}

func start(o program.Options) (io.Closer, error) {
	host, text, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	config, _, err := o.TLS()
	if err != nil {
		return nil, err
	}
	all := &server.Options{
		ServerName: "load", Host: host, Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: o.Store, DisableJetStreamBanner: true,
		MQTT: server.MQTTOpts{Host: host, Port: port, TLSConfig: config, TLSTimeout: 10, MaxAckPending: 10_000},
	}
	if o.WebSocket { // it serves MQTT on those only beside a port for MQTT itself
		all.Websocket = server.WebsocketOpts{Host: host, Port: port, NoTLS: config == nil, TLSConfig: config}
		all.MQTT.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(all)
	if err != nil {
		return nil, err
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return nil, errors.New("nats-server is not ready after 10 s")
	}
	return closer{s}, nil
}
