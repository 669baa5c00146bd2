package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// Packets as the specification writes them.
func TestAppend(t *testing.T) {
	tests := []struct {
		name      string
		got, want []byte
	}{
		{"CONNECT 3.1.1", appendConnect(nil, v311, "ab"), []byte("\x10\x0E\x00\x04MQTT\x04\x02\x02\x58\x00\x02ab")},
		{"CONNECT 5", appendConnect(nil, v5, "ab"), []byte("\x10\x0F\x00\x04MQTT\x05\x02\x02\x58\x00\x00\x02ab")},
		{"SUBSCRIBE 3.1.1", appendSubscribe(nil, v311, 7, "a/b", 1), []byte("\x82\x08\x00\x07\x00\x03a/b\x01")},
		{"SUBSCRIBE 5", appendSubscribe(nil, v5, 7, "a/b", 1), []byte("\x82\x09\x00\x07\x00\x00\x03a/b\x01")},
		{"PUBLISH QoS 0", appendPublish(nil, v311, 0, 9, "t", []byte("xy")), []byte("\x30\x05\x00\x01txy")},
		{"PUBLISH QoS 2 5", appendPublish(nil, v5, 2, 9, "t", []byte("xy")), []byte("\x34\x08\x00\x01t\x00\x09\x00xy")},
		{"PUBACK", appendAck(nil, typePuback, 0x102), []byte{0x40, 2, 1, 2}},
		{"PUBREL", appendAck(nil, typePubrel, 0x102), []byte{0x62, 2, 1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !bytes.Equal(test.got, test.want) {
				t.Errorf("got  %q\nwant %q", test.got, test.want)
			}
		})
	}
}

// What is appended is parsed again, whatever its size, and from no part of it.
func TestParse(t *testing.T) {
	for _, size := range []int{0, 1, 100, 127, 128, 16_383, 16_384, 70_000} {
		payload := bytes.Repeat([]byte{'p'}, size)
		whole := appendPublish(nil, v311, 1, 513, "topic", payload)
		for _, cut := range []int{0, 1, 2, len(whole) - 1} {
			if _, n, err := parse(whole[:cut]); n != 0 || err != nil {
				t.Fatalf("payload of %d bytes, %d of %d bytes: size %d, %v", size, cut, len(whole), n, err)
			}
		}
		p, n, err := parse(slices.Concat(whole, []byte{0xD0, 0}))
		if err != nil || n != len(whole) || p.kind != typePublish || p.qos != 1 || !bytes.HasSuffix(p.body, payload) {
			t.Fatalf("payload of %d bytes: %+v, size %d, %v", size, p, n, err)
		}
		if id, err := p.id(); id != 513 || err != nil {
			t.Fatalf("payload of %d bytes: packet identifier %d, %v", size, id, err)
		}
	}
}

func TestParseMalformed(t *testing.T) {
	if _, _, err := parse([]byte("\x30\xFF\xFF\xFF\xFF\x01")); !errors.Is(err, errMalformed) {
		t.Errorf("remaining length of five bytes: %v", err)
	}
	for _, p := range []packet{{kind: typePublish}, {kind: typePublish, body: []byte("\x00\x09t")}, {kind: typePuback, body: []byte{1}}} {
		if _, err := p.id(); !errors.Is(err, errMalformed) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestCode(t *testing.T) {
	tests := []struct {
		name, packet string
		want         byte
	}{
		{"CONNACK", "\x20\x02\x00\x05", 5},
		{"SUBACK 3.1.1", "\x90\x03\x00\x01\x80", 0x80},
		{"SUBACK 5", "\x90\x04\x00\x01\x00\x01", 1},
		{"short PUBACK", "\x40\x02\x00\x01", 0},
		{"PUBACK", "\x40\x03\x00\x01\x87", 0x87},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, _, err := parse([]byte(test.packet))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.code(); got != test.want || err != nil {
				t.Errorf("%#x, %v; want %#x", got, err, test.want)
			}
		})
	}
	if _, err := (packet{kind: typePingresp}).code(); !errors.Is(err, errMalformed) {
		t.Errorf("PINGRESP: %v", err)
	}
}

// No input makes the parser panic or read outside of it.
func FuzzParse(f *testing.F) {
	f.Add(appendPublish(nil, v5, 1, 1, "t", []byte("payload")))
	f.Add([]byte(strings.Repeat("\xFF", 6)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, n, err := parse(b)
		if n < 0 || n > len(b) || err != nil && n != 0 {
			t.Fatalf("size %d of %d, %v", n, len(b), err)
		}
		if n == 0 {
			return
		}
		if !bytes.HasSuffix(b[:n], p.body) {
			t.Fatal("the body is not the end of the packet")
		}
		_, _ = p.id()
		_, _ = p.code()
	})
}
