package e2e_test

import (
	"crypto/tls"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// client3 is a client of paho.mqtt.golang, which speaks MQTT 3.1.1.
type client3 struct {
	mqtt.Client
	messages chan mqtt.Message

	mu   sync.Mutex
	conn *tls.Conn
}

// new3 makes a client that is not connected yet.
func new3(t *testing.T, f *folder, device string, set func(*mqtt.ClientOptions)) *client3 {
	t.Helper()
	c := &client3{messages: make(chan mqtt.Message, 100)}
	o := mqtt.NewClientOptions().
		AddBroker("ssl://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port))).
		SetClientID(device).
		SetProtocolVersion(4).
		SetAutoReconnect(false).
		SetConnectTimeout(patience).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.conn = f.dial(t, trust(t, device))
			return c.conn, nil
		}).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { c.messages <- m })
	if set != nil {
		set(o)
	}
	c.Client = mqtt.NewClient(o)
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// connect3 connects with the certificate of a device.
func connect3(t *testing.T, f *folder, device string, set func(*mqtt.ClientOptions)) (c *client3, sessionPresent bool) {
	t.Helper()
	c = new3(t, f, device, set)
	token := c.Connect().(*mqtt.ConnectToken)
	await(t, token)
	if err := token.Error(); err != nil {
		t.Fatalf("CONNECT of %s: %v", device, err)
	}
	return c, token.SessionPresent()
}

func newPublisher3(t *testing.T, f *folder, device string) publisher {
	c, _ := connect3(t, f, device, nil)
	return c
}

func await(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer")
	}
}

// publish publishes; MQTT 3.1.1 does not tell what is denied.
func (c *client3) publish(t *testing.T, topic string, qos byte, text string) {
	t.Helper()
	c.send(t, topic, qos, false, text)
}

func (c *client3) send(t *testing.T, topic string, qos byte, retain bool, text string) {
	t.Helper()
	token := c.Publish(topic, qos, retain, text)
	await(t, token)
	if err := token.Error(); err != nil {
		t.Fatalf("publish on %s with QoS %d: %v", topic, qos, err)
	}
}

// subscribe returns the code of the SUBACK.
func (c *client3) subscribe(t *testing.T, filter string, qos byte) byte {
	t.Helper()
	token := c.Subscribe(filter, qos, nil).(*mqtt.SubscribeToken)
	await(t, token)
	for _, code := range token.Result() { // of one filter, by its name without the share
		return code
	}
	t.Fatalf("subscribe to %s: no SUBACK: %v", filter, token.Error())
	return 0
}

// expectMessage waits for a message and compares its text.
func (c *client3) expectMessage(t *testing.T, text string) mqtt.Message {
	t.Helper()
	select {
	case m := <-c.messages:
		if got := string(m.Payload()); got != text {
			t.Fatalf("received %q, want %q", got, text)
		}
		return m
	case <-time.After(patience):
		t.Fatalf("no message; want %q", text)
		return nil
	}
}

// leave disconnects once what was begun is done.
func (c *client3) leave() { c.Disconnect(250) }

// vanish cuts the connection without a word.
func (c *client3) vanish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.NetConn().Close()
}
