package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"testing"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// inProcess is a subscriber of this process, which says what it receives like
// the others.
func inProcess(name string) *process {
	return &process{cmd: exec.Command(name), said: newTranscript(), done: make(chan struct{})}
}

func (p *process) received(qos byte, retain bool, payload []byte) {
	flag := map[bool]int{true: 1}[retain]
	_, _ = fmt.Fprintf(p.said, "qos%d retain%d %s\n", qos, flag, payload)
}

// dial3 connects a client of paho.mqtt.golang.
func dial3(t *testing.T, p party, role string) mqtt.Client {
	t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(p.url("tcp")).SetClientID("go3" + role + p.String()).
		SetProtocolVersion(4).SetAutoReconnect(false).SetConnectTimeout(patience))
	settle(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// settle waits for what must succeed.
func settle(t *testing.T, token mqtt.Token) {
	t.Helper()
	await(t, token)
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}

func subscribe3(t *testing.T, p party, topic string) subscriber {
	s := inProcess("paho.mqtt.golang")
	settle(t, dial3(t, p, "sub").Subscribe(topic, p.qos, func(_ mqtt.Client, m mqtt.Message) {
		s.received(m.Qos(), m.Retained(), m.Payload())
	}))
	return s
}

func publish3(t *testing.T, p party, topic, text string, retain bool) {
	c := dial3(t, p, "pub")
	settle(t, c.Publish(topic, p.qos, retain, text))
	c.Disconnect(100) // not before it has left
}

// dial5 connects a client of paho.golang, which gives what it receives to a
// subscriber.
func dial5(t *testing.T, p party, role string, s *process) *autopaho.ConnectionManager {
	t.Helper()
	u, err := url.Parse(p.url("mqtt"))
	if err != nil {
		t.Fatal(err)
	}
	config := autopaho.ClientConfig{ServerUrls: []*url.URL{u}, KeepAlive: 60, CleanStartOnInitialConnection: true}
	config.ClientID = "go5" + role + p.String()
	config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(m paho.PublishReceived) (bool, error) {
		s.received(m.Packet.QoS, m.Packet.Retain, m.Packet.Payload)
		return true, nil
	}}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c, err := autopaho.NewConnection(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	soon, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := c.AwaitConnection(soon); err != nil {
		t.Fatal(err)
	}
	return c
}

func subscribe5(t *testing.T, p party, topic string) subscriber {
	s := inProcess("paho.golang")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := dial5(t, p, "sub", s).Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: p.qos}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish5(t *testing.T, p party, topic, text string, retain bool) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := dial5(t, p, "pub", inProcess("paho.golang"))
	if _, err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: p.qos, Retain: retain, Payload: []byte(text)}); err != nil {
		t.Fatal(err)
	}
	if err := c.Disconnect(ctx); err != nil {
		t.Fatal(err)
	}
}
