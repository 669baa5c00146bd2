package kubetest_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const temperature, humidity = "telemetry/temperature", "telemetry/humidity"

// client is a connection of MQTT 5.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *wire.Reader
}

// device connects to the tutorial's port, with the certificate of a device.
func (s *site) device(name string) *client {
	s.t.Helper()
	return s.deviceAt(s.port, name)
}

func (s *site) deviceAt(port, name string) *client {
	s.t.Helper()
	cert, err := s.clients.Leaf(devca.Named(name))
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: s.authority.Pool(), Certificates: []tls.Certificate{cert.TLS()}})
	if err != nil {
		s.t.Fatal(err)
	}
	c, code := connect(s.t, conn, &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: name})
	if code != mqttauth.Success {
		s.t.Fatalf("%s: CONNACK %v", name, code)
	}
	return c
}

// guest connects to the second listener.
func (s *site) guest() *client {
	s.t.Helper()
	c, code := connect(s.t, dial(s.t, s.second), &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: "guest"})
	if code != mqttauth.Success {
		s.t.Fatalf("guest: CONNACK %v", code)
	}
	return c
}

func dial(t *testing.T, port string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func connect(t *testing.T, conn net.Conn, p *wire.Connect) (*client, mqttauth.ReasonCode) {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * patience))
	c := &client{t, conn, wire.NewReader(conn)}
	c.send(p.Append(nil))
	var ack wire.Connack
	if err := ack.Decode(c.next(), mqttauth.MQTT5); err != nil {
		t.Fatal(err)
	}
	return c, ack.Code
}

func (c *client) send(packet []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(packet); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) next() wire.Frame {
	c.t.Helper()
	f, err := c.r.Next(1 << 20)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// publish returns the code that a publish with QoS 1 is answered with.
func (c *client) publish(topic string) mqttauth.ReasonCode {
	c.t.Helper()
	c.send((&wire.Publish{QoS: 1, PacketID: 1, Topic: topic}).Append(nil, mqttauth.MQTT5))
	var ack wire.Ack
	if err := ack.Decode(c.next(), mqttauth.MQTT5); err != nil {
		c.t.Fatal(err)
	}
	return ack.Code
}

// may checks what a client may publish. No answer but success is 0x87.
func (c *client) may(what string, topic string, want bool) {
	c.t.Helper()
	if got := c.publish(topic); got != mqttauth.Success && got != mqttauth.NotAuthorized || (got == mqttauth.Success) != want {
		c.t.Errorf("%s: publish on %s: %v, want allowed = %v", what, topic, got, want)
	}
}

// disconnected waits for the server's DISCONNECT 0x98 and returns when it came.
func (c *client) disconnected() time.Time {
	c.t.Helper()
	var p wire.Disconnect
	if err := p.Decode(c.next(), mqttauth.MQTT5); err != nil {
		c.t.Fatal(err)
	}
	if p.Code != wire.AdministrativeAction {
		c.t.Errorf("DISCONNECT %v, want 0x98", p.Code)
	}
	return time.Now()
}

// closed reports whether nobody listens on a port.
func closed(port string) bool {
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return true
	}
	_ = conn.Close()
	return false
}
