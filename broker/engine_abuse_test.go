package broker_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// E4: no packet, however short or wrong, harms anybody but its sender.
func TestE04MalformedPackets(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		bystander := b.connect(v, "bystander")
		for kind := byte(1); kind <= 15; kind++ {
			for length := range 8 {
				for _, fill := range []byte{0x00, 0x01, 0xFF} {
					p := b.connect(v, "p")
					body := bytes.Repeat([]byte{fill}, length)
					p.raw(append([]byte{kind<<4 | 2*(kind&1&(kind>>1)), byte(length)}, body...))
					p.raw([]byte{0xE0, 0}) // DISCONNECT
					for p.next() != (closed{}) {
					}
				}
			}
		}
		p := b.connect(v, "p")
		p.raw([]byte{0x82, 0x05, 0, 1, 0, 0, 0xFF})
		p.dismissed(wire.MalformedPacket)
		bystander.quiet()
		if strings.Contains(b.log(), "panic") {
			t.Error("the log speaks of a panic")
		}
	})
}

// E4: a fault inside the server ends the connection that met it, also when it
// strikes with locks held.
func TestE04PanicEndsOneConnection(t *testing.T) {
	s := broker.NewServer(broker.Options{Logger: slog.New(trap{slog.DiscardHandler})})
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b := (&server{Server: s, t: t, logs: new(logs)}).listen(access(t, allow("alice", pub("ok"))))
	bystander := b.connect(v5, "bystander", as("alice"))
	p := b.connect(v5, "p", as("alice"))
	p.send(&wire.Publish{Topic: "not/allowed"})
	p.gone()
	bystander.publish(1, "ok", "x")
	b.connect(v5, "p", as("alice")).publish(1, "ok", "x")
}

// trap panics when a denied publish is logged.
type trap struct{ slog.Handler }

func (trap) Enabled(context.Context, slog.Level) bool { return true }

func (trap) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "publish denied" {
		panic("trap")
	}
	return nil
}

func (h trap) WithAttrs([]slog.Attr) slog.Handler { return h }

// E5: of simultaneous connections with one client ID exactly one survives.
func TestE05OneSurvives(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		const rivals = 6
		b := openPort(t)
		for range 20 {
			peers := make([]*peer, rivals)
			for i := range peers {
				peers[i] = b.peer()
			}
			over := make(chan int, rivals)
			accepted := make(chan struct{}, rivals)
			for i, p := range peers {
				p.v = v
				go func() {
					if _, err := p.nc.Write(connectPacket(v, "one").Append(nil)); err != nil {
						t.Error(err)
					}
					for k, err := p.read(); k != (closed{}); k, err = p.read() {
						if err != nil {
							t.Error(err)
							break
						}
						if _, ok := k.(*wire.Connack); ok {
							accepted <- struct{}{}
						}
						if _, ok := k.(*wire.Pingresp); ok {
							i = rivals
						}
					}
					over <- i
				}()
			}
			for range rivals {
				<-accepted
			}
			alive := map[int]*peer{}
			for i, p := range peers {
				alive[i] = p
			}
			for range rivals - 1 {
				delete(alive, <-over)
			}
			for _, survivor := range alive {
				survivor.send(&wire.Pingreq{}, &wire.Disconnect{})
			}
			if len(alive) != 1 || <-over != rivals {
				t.Fatalf("%d connections survive, or the last one is dead", len(alive))
			}
		}
	})
}

// E6, S-28: topics of 65,000 levels are refused in no time, and meanwhile
// others publish.
func TestE06DeepTopics(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		deep := strings.Repeat("/", 65_000)
		s := b.connect(v, "s")
		many := &wire.Subscribe{PacketID: 1}
		for range 60 {
			many.Filters = append(many.Filters, wire.Subscription{Filter: deep})
		}
		started := time.Now()
		s.send(many)
		p := b.connect(v, "p")
		p.publish(1, "t", "x")
		for i, code := range receive[wire.Suback](s).Codes {
			if !code.IsError() {
				t.Fatalf("filter %d is granted", i)
			}
		}
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		s.subscribe(1, strings.Repeat("/", 127))
		p.send(&wire.Publish{Topic: deep})
		p.dismissed(wire.TopicNameInvalid)
	})
}

// E10: whatever is wrong with the access rules, nobody gets in.
func TestE10FailsClosed(t *testing.T) {
	methods := map[string]method{
		"zero result": func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { return mqttauth.Result{}, nil },
		"panic":       func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { panic("method") },
	}
	for name, m := range methods {
		t.Run(name, func(t *testing.T) {
			versions(t, func(t *testing.T, v mqttauth.Version) {
				b := newServer(t, broker.Limits{}).listen(broker.Access{Authentication: m, Authorization: mqttauthz.AllowAll()})
				b.refused(mqttauth.NotAuthorized, connectPacket(v, "a"))
			})
		})
	}
	policies := map[string]*mqttauthz.Policy{"nil policy": nil, "zero policy": {}, "no rules": policy(t)} // LINK-3
	for name, p := range policies {
		t.Run(name, func(t *testing.T) {
			versions(t, func(t *testing.T, v mqttauth.Version) {
				b := newServer(t, broker.Limits{}).listen(broker.Access{Authentication: mqttauth.AllowAnonymous(), Authorization: p})
				b.refused(mqttauth.NotAuthorized, connectPacket(v, "a"))
			})
		})
	}
	if _, err := newServer(t, broker.Limits{}).Listen(listenTCP(t), broker.Port{Name: "p"}); err == nil {
		t.Error("a port without authentication opens")
	}
}

// E14: who does not say who they are in time is cut.
func TestE14ConnectDeadline(t *testing.T) {
	limits := broker.Limits{ConnectTimeout: 100 * time.Millisecond}
	connect := connectPacket(v5, "a").Append(nil)
	for name, sent := range map[string][]byte{"nothing": nil, "one byte": connect[:1], "half a CONNECT": connect[:len(connect)-1]} {
		t.Run(name, func(t *testing.T) {
			p := newServer(t, limits).listen(open()).peer()
			p.raw(sent)
			p.gone()
		})
	}
	t.Run("no TLS handshake", func(t *testing.T) {
		pki := newPKI(t)
		b := newServer(t, limits).open(broker.Port{Name: "tls", TLS: pki.serverConfig(), Access: open()}, listenTCP(t))
		b.peer().gone()
	})
}

// E14, AUTHN-13: a packet that is too large is refused by its header alone,
// before there is room for it, let alone its body. Who is not accepted gets no
// answer.
func TestE14PacketSize(t *testing.T) {
	s := newServer(t, broker.Limits{ConnectPacketSize: 1000, PacketSize: 2000})
	b := s.listen(open())
	p := b.peer()
	p.raw([]byte{0x10, 0xFF, 0xFF, 0xFF, 0x7F})
	p.gone()

	p = b.peer()
	p.sendConnect(&wire.Connect{Version: v5, ClientID: "a", Username: wire.Some(strings.Repeat("x", 2000))})
	p.gone()
}

func TestE14PacketSizeAccepted(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := newServer(t, broker.Limits{PacketSize: 2000}).listen(open())
		p := b.connect(v, "p")
		p.publish(1, "t", strings.Repeat("x", 1900))
		p.raw([]byte{0x30, 0xD1, 0x0F}) // 2001 bytes and the header
		p.dismissed(wire.PacketTooLarge)
	})
}

// S-19: connections that send almost all of a great CONNECT end at the
// deadline, and others get in meanwhile.
func TestS19HalfOpen(t *testing.T) {
	t.Parallel()
	b := newServer(t, broker.Limits{ConnectTimeout: time.Second}).listen(open())
	var half []*peer
	for range 100 {
		p := b.peer()
		p.raw(append([]byte{0x10, 0xF0, 0xFF, 0x0F}, make([]byte, 10_000)...))
		half = append(half, p)
	}
	b.connect(v5, "a").quiet()
	for _, p := range half {
		p.gone()
	}
}

// S-20: a CONNECT with thousands of User Properties is refused before any
// method runs.
func TestS20UserProperties(t *testing.T) {
	asked := false
	m := method(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		asked = true
		return mqttauth.Result{}, nil
	})
	b := newServer(t, broker.Limits{}).listen(broker.Access{Authentication: m})
	// 40,000 properties of five bytes each, with empty name and value.
	packet := []byte{0x10, 0xD0, 0x9A, 0x0C, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0xC0, 0x9A, 0x0C}
	packet = append(packet, bytes.Repeat([]byte{0x26, 0, 0, 0, 0}, 40_000)...)
	packet = append(packet, 0, 1, 'a')
	p := b.peer()
	p.raw(packet)
	p.refused(wire.QuotaExceeded)
	if asked {
		t.Error("the method was asked")
	}
}

// E15: no keep alive overflows.
func TestE15GreatKeepAlive(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		for _, seconds := range []uint16{1, 43690, 43691, 65535} {
			b.connect(v, "a", func(c *wire.Connect) { c.KeepAlive = seconds }).quiet()
		}
	})
}

// E15: a client whose packets always come in two pieces is alive.
func TestE15KeepAliveBetweenPackets(t *testing.T) {
	t.Parallel()
	b := openPort(t)
	p := b.connect(v5, "p", func(c *wire.Connect) { c.KeepAlive = 1 })
	ping := (&wire.Pingreq{}).Append(nil, v5)
	p.raw(ping[:1])
	for started := time.Now(); time.Since(started) < 2*time.Second; {
		p.raw([]byte{ping[1], ping[0]})
		p.expect(&wire.Pingresp{})
	}
}

// E15: the keep alive runs from the last packet, not from the first.
func TestE15KeepAliveAfterTraffic(t *testing.T) {
	t.Parallel()
	b := openPort(t)
	p := b.connect(v5, "p", func(c *wire.Connect) { c.KeepAlive = 1 })
	var last time.Time
	for started := time.Now(); time.Since(started) < time.Second; {
		last = time.Now()
		p.raw((&wire.Pingreq{}).Append(nil, v5))
		p.expect(&wire.Pingresp{})
	}
	p.dismissed(wire.KeepAliveTimeout)
	if silent := time.Since(last); silent < 1500*time.Millisecond {
		t.Errorf("cut off %v after its last packet", silent)
	}
}

// E15: bad lengths and aliases are what they are.
func TestE15Malformed(t *testing.T) {
	tests := []struct {
		name string
		sent []byte
		want mqttauth.ReasonCode
	}{
		{"remaining length of five bytes", []byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x00}, wire.MalformedPacket},
		{"property length of five bytes", []byte{0x32, 0x0A, 0, 1, 't', 0, 1, 0x80, 0x80, 0x80, 0x80, 0}, wire.MalformedPacket},
		{"alias that was never set", (&wire.Publish{TopicAlias: 3}).Append(nil, v5), mqttauth.ProtocolError},
		{"alias 0", []byte{0x30, 7, 0, 1, 't', 3, 0x23, 0, 0}, wire.TopicAliasInvalid},
		{"alias over the maximum", (&wire.Publish{Topic: "t", TopicAlias: 33}).Append(nil, v5), wire.TopicAliasInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := openPort(t).connect(v5, "p")
			p.raw(test.sent)
			p.dismissed(test.want)
		})
	}
}

// E17: no deadlock under mixed load, with takeovers, wills and access changes.
func TestE17MixedLoad(t *testing.T) {
	b := openPort(t)
	done := make(chan error)
	const clients = 8
	for i := range clients {
		go func() { done <- mixedLoad(b, fmt.Sprint("c", i%5), 15) }()
	}
	for running := clients; running > 0; {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			running--
		case <-time.After(patience):
			t.Fatal("stuck")
		default:
			b.set(open())
		}
	}
}

// mixedLoad connects, does everything at once and is cut, time and again. It
// only fails when the server keeps a connection that it must close.
func mixedLoad(b *port, id string, rounds int) error {
	for range rounds {
		nc, err := b.dial()
		if err != nil {
			return err
		}
		if err := burst(nc, id); err != nil {
			return err
		}
	}
	return nil
}

func burst(nc net.Conn, id string) error {
	defer func() { _ = nc.Close() }()
	out := connectPacket(v5, id, durable, will(wire.Will{Topic: "t/will"})).Append(nil)
	for i := range uint16(50) {
		out = (&wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "t/#", QoS: 2}}}).Append(out, v5)
		out = (&wire.Publish{QoS: 1, PacketID: i + 1, Topic: "t/" + id, Retain: true, Payload: []byte("x")}).Append(out, v5)
		out = (&wire.Unsubscribe{PacketID: 1, Filters: []string{"t/#"}}).Append(out, v5)
	}
	out = (&wire.Disconnect{Code: wire.DisconnectWithWill}).Append(out, v5)
	if _, err := nc.Write(out); err != nil {
		return nil // disconnected meanwhile
	}
	p := &peer{nc: nc, r: wire.NewReader(nc), v: v5}
	for {
		k, err := p.read()
		if err != nil || k == (closed{}) {
			return err
		}
	}
}
