package statestore_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/statestore"
)

type stampT = statestore.Timestamp

func TestParseTimestamp(t *testing.T) {
	tests := []struct {
		text string
		want stampT
	}{
		{"1:2:a", stampT{Wall: 1, Counter: 2, Node: "a"}},
		{"001700000000000:00001:StateStore", stampT{Wall: 1_700_000_000_000, Counter: 1, Node: "StateStore"}},
		{"0:0:é €", stampT{Node: "é €"}},
		{"00000000000000000000000000001:99999:x", stampT{Wall: 1, Counter: 99999, Node: "x"}},
		{"9223372036854775807:0:x", stampT{Wall: math.MaxInt64, Node: "x"}},
	}
	for _, test := range tests {
		got, err := statestore.ParseTimestamp(test.text)
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", test.text, got, err, test.want)
		}
	}
}

func TestTimestampText(t *testing.T) {
	tests := []struct {
		t    stampT
		want string
	}{
		{stampT{}, "000000000000000:00000:"},
		{stampT{Wall: 1, Counter: 2, Node: "a"}, "000000000000001:00002:a"},
		{stampT{Wall: -1, Node: "a"}, "000000000000000:00000:a"},
		{stampT{Wall: 1234567890123456, Counter: 123456, Node: "a"}, "1234567890123456:123456:a"},
	}
	for _, test := range tests {
		if got := test.t.String(); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.t, got, test.want)
		}
		if got := string(test.t.Append([]byte("x="))); got != "x="+test.want {
			t.Errorf("%+v: appended %s", test.t, got)
		}
	}
}

func TestTimestampCompare(t *testing.T) {
	ascending := []stampT{
		{},
		{Wall: 1, Node: "A"},
		{Wall: 1, Node: "a"},
		{Wall: 1, Node: "aa"},
		{Wall: 1, Node: "é"},
		{Wall: 1, Counter: 9, Node: "a"},
		{Wall: 1, Counter: 10, Node: "A"},
		{Wall: 2, Node: "A"},
		{Wall: 10, Node: "A"},
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			}
			if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%v, %v: got %d, want %d", a, b, got, want)
			}
		}
	}
}

// TestClock is the receive rule of the facts, section 2.6.
func TestClock(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	stamp := func(wall int64, counter uint32) stampT { return stampT{Wall: wall, Counter: counter, Node: "n"} }
	tests := []struct {
		name    string
		last    stampT
		now     int64
		message stampT
		want    stampT
	}{
		{"now is later than both", stamp(10, 5), 30, stamp(20, 7), stamp(30, 0)},
		{"equal, message's counter is greater", stamp(20, 5), 10, stamp(20, 7), stamp(20, 8)},
		{"equal, own counter is greater", stamp(20, 9), 10, stamp(20, 7), stamp(20, 10)},
		{"own is later", stamp(21, 5), 10, stamp(20, 7), stamp(21, 6)},
		{"message is later", stamp(20, 5), 10, stamp(21, 7), stamp(21, 8)},
		{"all equal", stamp(20, 5), 20, stamp(20, 5), stamp(20, 6)},
		{"now equals own", stamp(20, 5), 20, stamp(19, 5), stamp(20, 6)},
		{"now equals the message", stamp(19, 5), 20, stamp(20, 5), stamp(20, 6)},
		{"own counter is full", stamp(20, 99999), 20, stamp(19, 0), stamp(21, 0)},
		{"the message's counter is full", stamp(19, 0), 20, stamp(20, 99999), stamp(21, 0)},
		{"the last that can be followed", stamp(0, 0), 20, stamp(60020, 99998), stamp(60020, 99999)},
		{"no message", stamp(20, 5), 20, stampT{}, stamp(20, 6)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := statestore.NewClock("n", test.last)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Receive(at(test.now), test.message)
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	t.Run("too far ahead", func(t *testing.T) {
		c, _ := statestore.NewClock("n", stampT{})
		for _, message := range []stampT{stamp(60021, 0), stamp(60020, 99999), stamp(math.MaxInt64, 99999)} {
			if _, err := c.Receive(at(20), message); !errors.Is(err, statestore.ErrFutureTimestamp) {
				t.Errorf("%v: %v", message, err)
			}
		}
		if got, want := c.Tick(at(20)), stamp(20, 0); got != want {
			t.Errorf("the clock moved to %v", got)
		}
	})
}

func TestNodeID(t *testing.T) {
	for _, node := range []string{"", "a:b", "a\n", "\xff", strings.Repeat("n", 257)} {
		if _, err := statestore.NewClock(node, stampT{}); err == nil {
			t.Errorf("node %q is accepted", node)
		}
	}
	if _, err := statestore.New[string](statestore.Config{NodeID: "a:b"}); err == nil {
		t.Error("New accepts a colon in the node ID")
	}
}
