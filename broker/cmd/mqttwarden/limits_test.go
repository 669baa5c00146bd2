package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// Every limit has a name, and what is written is what is set.
func TestLimitFlag(t *testing.T) {
	values := strings.Fields(`connect-timeout=1m30s authentication-timeout=500ms connect-packet-size=64KiB
		pending-per-source=1 pending-bytes=1GiB packet-size=256MiB receive-maximum=65535 topic-alias-maximum=2
		topic-levels=3 topic-length=1000B subscriptions=4 inflight=32768 queue-messages=5 queue-bytes=3B
		queue-drops-oldest=true retained-messages=6 retained-bytes=2MiB watches=7 watches-per-session=8
		watch-bytes=9KiB watch-bytes-per-session=10KiB session-expiry=1h sessions-per-identity=9 keep-alive=65535s
		message-expiry=4294967295s connections=11 connections-per-source=12 connect-rate=13`)
	want := broker.Limits{
		ConnectTimeout: 90 * time.Second, AuthenticationTimeout: 500 * time.Millisecond, ConnectPacketSize: 64 << 10,
		PendingPerSource: 1, PendingBytes: 1 << 30, PacketSize: 256 << 20, ReceiveMaximum: 65535, TopicAliasMaximum: 2,
		TopicLevels: 3, TopicLength: 1000, Subscriptions: 4, Inflight: 32768, QueueMessages: 5, QueueBytes: 3,
		QueueDropsOldest: true, RetainedMessages: 6, RetainedBytes: 2 << 20,
		Watches:       statestore.Limits{Watches: 7, WatchesPerSession: 8, WatchBytes: 9 << 10, BytesPerSession: 10 << 10},
		SessionExpiry: time.Hour, SessionsPerIdentity: 9, KeepAlive: 65535 * time.Second,
		MessageExpiry: 4294967295 * time.Second, Connections: 11, ConnectionsPerSource: 12, ConnectRate: 13,
	}
	var f limitFlag
	for i, l := range limits() {
		if name, _, _ := strings.Cut(values[i], "="); name != l.name {
			t.Errorf("limit %d is %s, want %s", i, l.name, name)
		}
		if err := f.Set(values[i]); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want, f.over(broker.Limits{}, slog.New(slog.DiscardHandler))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLimitFlagErrors(t *testing.T) {
	for value, want := range map[string]string{
		"packet-size":            "write a name and a value, such as packet-size=1MiB",
		"packet-size=1048576":    "packet-size: write a size with its unit (B, KiB, MiB, GiB) up to 256MiB, such as 64KiB",
		"packet-size=1GiB":       "packet-size: write a size",
		"packet-size=1.5MiB":     "packet-size: write a size",
		"packet-size=MiB":        "packet-size: write a size",
		"packet-size=0B":         "packet-size: write a size",
		"packet-size=1BKiB":      "packet-size: write a size",
		"queue-bytes=9999999GiB": "queue-bytes: write a size",
		"packetsize=1MiB":        `there is no limit "packetsize"; did you mean packet-size?`,
		"=1":                     `there is no limit ""; there are connect-timeout, `,
		"keep-alive=1500ms":      "keep-alive: write a duration in whole seconds up to 65535s, such as 90s or 1h",
		"keep-alive=18h12m16s":   "keep-alive: write a duration in whole seconds",
		"connect-timeout=10":     "connect-timeout: write a duration above 0, such as 1m30s or 500ms",
		"connect-timeout=-1s":    "connect-timeout: write a duration",
		"queue-drops-oldest=yes": "queue-drops-oldest: write true or false",
		"inflight=32769":         "inflight: write an integer from 1 to 32768",
		"connections=0":          "connections: write an integer from 1 to 2147483647",
		"connections=1e3":        "connections: write an integer",
		"subscriptions=2":        "subscriptions is there twice; remove one of them",
	} {
		var f limitFlag
		if err := f.Set("subscriptions=1"); err != nil {
			t.Fatal(err)
		}
		if err := f.Set(value); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", value, err, want)
		}
	}
}

// A limit of the command line counts over that of a document, which the log says;
// what only a document sets, stays.
func TestLimitFlagWins(t *testing.T) {
	o, log, err := observed(t, observeFlags{logFormat: "text"})
	if err != nil {
		t.Fatal(err)
	}
	var f limitFlag
	for _, value := range []string{"packet-size=2MiB", "queue-drops-oldest=false", "keep-alive=60s"} {
		if err := f.Set(value); err != nil {
			t.Fatal(err)
		}
	}
	documents := broker.Limits{PacketSize: 1 << 20, ReceiveMaximum: 7, QueueDropsOldest: true, KeepAlive: time.Minute}
	ack := connackOf(t, newServer(o, &f, documents))
	for name, property := range map[string][]byte{
		"receive maximum":     {0x21, 0, 7},
		"maximum packet size": binary.BigEndian.AppendUint32([]byte{0x27}, 2<<20),
	} {
		if !bytes.Contains(ack, property) {
			t.Errorf("CONNACK %x has not the %s %x", ack, name, property)
		}
	}
	var told []string
	for line := range strings.Lines(log.String()) {
		if _, text, ok := strings.Cut(line, `msg="--limit counts, and not the document of kind Broker" `); ok {
			told = append(told, strings.TrimSpace(text))
		}
	}
	want := []string{"limit=packet-size flag=2MiB document=1MiB", "limit=queue-drops-oldest flag=false document=true"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("log (-want +got)\n%s", diff)
	}
}

// connackOf returns all that a server sends to an MQTT 5.0 client that connects
// and leaves.
func connackOf(t *testing.T, s *broker.Server) []byte {
	t.Helper()
	tcp, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(tcp, broker.Port{Name: "p", Access: broker.Access{Authentication: mqttauth.AllowAnonymous(), Authorization: mqttauthz.AllowAll()}}); err != nil {
		t.Fatal(err)
	}
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, p := range [][]byte{packet(0x10, "MQTT", []byte{5, 2, 0, 60, 0}, "c"), packet(0xe0)} {
		if _, err := c.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	ack, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ack
}
