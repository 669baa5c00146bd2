package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// publisher is a connected Paho client of either version.
type publisher interface {
	publish(t *testing.T, topic string, qos byte, text string)
}

// client5 is a client of paho.golang, which speaks MQTT 5.0.
type client5 struct {
	*paho.Client
	conn     *tls.Conn
	messages chan *paho.Publish
}

// trust returns the TLS configuration of a device.
func trust(t *testing.T, device string) *tls.Config {
	t.Helper()
	crt := filepath.Join(pkiDir(), device+".crt")
	pair, err := tls.LoadX509KeyPair(crt, filepath.Join(pkiDir(), device+".key"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pkiFile(t, "contoso_root_ca.crt"))
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: "localhost"}
}

// dial connects to the tutorial's port, below MQTT.
func (f *folder) dial(t *testing.T, config *tls.Config) *tls.Conn {
	t.Helper()
	d := tls.Dialer{Config: config}
	conn, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*tls.Conn)
}

// new5 makes a client that is not connected yet. A nil session is a new one.
func new5(t *testing.T, f *folder, device string, session *state.State) *client5 {
	t.Helper()
	return over(f.dial(t, trust(t, device)), session)
}

// over makes a client on a connection. Options may change what is configured.
func over(conn *tls.Conn, session *state.State, options ...func(*paho.ClientConfig)) *client5 {
	c := &client5{conn: conn, messages: make(chan *paho.Publish, 100)}
	config := paho.ClientConfig{
		Conn:          packets.NewThreadSafeConn(c.conn),
		PacketTimeout: patience,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(m paho.PublishReceived) (bool, error) {
			c.messages <- m.Packet
			return true, nil
		}},
	}
	if session != nil {
		config.Session = session
	}
	for _, option := range options {
		option(&config)
	}
	c.Client = paho.NewClient(config)
	return c
}

// connect5 connects with a clean start and the certificate of a device.
func connect5(t *testing.T, f *folder, device, clientID string, will *paho.WillMessage) *client5 {
	t.Helper()
	c := new5(t, f, device, nil)
	ack, err := c.Connect(t.Context(), &paho.Connect{ClientID: clientID, CleanStart: true, KeepAlive: 60, WillMessage: will})
	if err != nil {
		t.Fatalf("CONNECT of %s: %+v: %v", device, ack, err)
	}
	return c
}

func newPublisher5(t *testing.T, f *folder, device string) publisher {
	return connect5(t, f, device, device, nil)
}

// publish publishes what must be allowed; with QoS 0, what may be denied.
func (c *client5) publish(t *testing.T, topic string, qos byte, text string) {
	t.Helper()
	if code := c.try(t, topic, qos, text); code != 0 {
		t.Fatalf("publish on %s with QoS %d: %#x", topic, qos, code)
	}
}

// try publishes and returns the reason code of the answer.
func (c *client5) try(t *testing.T, topic string, qos byte, text string) byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: qos, Payload: []byte(text)})
	if answer == nil {
		if err != nil {
			t.Fatalf("publish on %s with QoS %d: %v", topic, qos, err)
		}
		return 0
	}
	return answer.ReasonCode
}

// subscribe returns the code of the SUBACK.
func (c *client5) subscribe(t *testing.T, filter string, qos byte) byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ack, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}})
	if ack == nil {
		t.Fatalf("subscribe to %s: %v", filter, err)
	}
	return ack.Reasons[0]
}

// receive waits for a message.
func (c *client5) receive(t *testing.T) *paho.Publish {
	t.Helper()
	select {
	case m := <-c.messages:
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

// expectMessage waits for a message and compares its text.
func (c *client5) expectMessage(t *testing.T, text string) *paho.Publish {
	t.Helper()
	m := c.receive(t)
	if got := string(m.Payload); got != text {
		t.Fatalf("received %q, want %q", got, text)
	}
	return m
}

// leave disconnects and keeps the session, if it was to be kept.
func (c *client5) leave(t *testing.T) {
	t.Helper()
	if err := c.Disconnect(&paho.Disconnect{}); err != nil {
		t.Fatal(err)
	}
}

// sayGoodbye disconnects and waits until the broker has closed the connection,
// which Paho by itself does not.
func (c *client5) sayGoodbye(t *testing.T) {
	t.Helper()
	if _, err := c.conn.Write([]byte{0xE0, 0}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Fatal("the broker does not close the connection after DISCONNECT")
	}
}

// vanish cuts the connection without a word.
func (c *client5) vanish() { _ = c.conn.NetConn().Close() }
