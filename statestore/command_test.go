package statestore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// What is encoded is read as the same.
func TestCommandRoundTrip(t *testing.T) {
	k, v := []byte("k"), []byte("v")
	tests := []struct {
		command statestore.Command
		wire    string
	}{
		{statestore.Command{Verb: statestore.Get, Key: k}, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"},
		{statestore.Command{Verb: statestore.Del, Key: k}, "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"},
		{statestore.Command{Verb: statestore.VDel, Key: k, Value: v}, "*3\r\n$4\r\nVDEL\r\n$1\r\nk\r\n$1\r\nv\r\n"},
		{statestore.Command{Verb: statestore.KeyNotify, Key: k}, "*2\r\n$9\r\nKEYNOTIFY\r\n$1\r\nk\r\n"},
		{statestore.Command{Verb: statestore.KeyNotify, Key: k, Stop: true}, "*3\r\n$9\r\nKEYNOTIFY\r\n$1\r\nk\r\n$4\r\nSTOP\r\n"},
		{statestore.Command{Verb: statestore.Set, Key: k, Value: v}, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"},
		{
			statestore.Command{Verb: statestore.Set, Key: k, Value: v, Condition: statestore.IfAbsent},
			"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nNX\r\n",
		},
		{
			statestore.Command{Verb: statestore.Set, Key: k, Value: v, PX: 1500},
			"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nPX\r\n$4\r\n1500\r\n",
		},
		{
			statestore.Command{Verb: statestore.Set, Key: k, Value: v, Condition: statestore.IfAbsentOrEqual, PX: 1},
			"*6\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$3\r\nNEX\r\n$2\r\nPX\r\n$1\r\n1\r\n",
		},
	}
	for _, test := range tests {
		if got := string(test.command.Append(nil)); got != test.wire {
			t.Errorf("%+v: got %q, want %q", test.command, got, test.wire)
		}
		got, err := statestore.ParseCommand([]byte(test.wire))
		if diff := cmp.Diff(test.command, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", test.wire, err, diff)
		}
	}
}

// A Command that is none does not become one on the wire.
func TestAppendOfNoCommand(t *testing.T) {
	for _, c := range []statestore.Command{
		{},
		{Verb: 99, Key: []byte("k")},
		{Verb: statestore.Get},
		{Verb: statestore.Set, Key: []byte("k"), Condition: 99},
		{Verb: statestore.Set, Key: []byte("k"), PX: -1},
	} {
		if got, err := statestore.ParseCommand(c.Append(nil)); err == nil {
			t.Errorf("%+v became %+v", c, got)
		}
	}
}

// A SyntaxError says where, and ReplyErrors have the prefix of the package.
func TestErrors(t *testing.T) {
	tests := []struct{ payload, want string }{
		{"", "statestore: syntax error at byte 0: the payload ends too early"},
		{"$1", "statestore: syntax error at byte 0: a request is an array (*) of bulk strings ($)"},
		{"*0\r\n", "statestore: syntax error at byte 0: the array is empty: a command has a verb"},
		{"*x\r\n", "statestore: syntax error at byte 1: a decimal number is missing"},
		{"*01\r\n", "statestore: syntax error at byte 1: the number has a leading zero"},
		{"*1\n", "statestore: syntax error at byte 2: CR LF is missing behind the number"},
		{"*1\r\n$1234567890\r\n", "statestore: syntax error at byte 4: the number is too large"},
		{"*1\r\n$5\r\nGET\r\n", "statestore: syntax error at byte 4: the string is longer than the payload"},
		{"*1\r\n$2\r\nGET\r\n", "statestore: syntax error at byte 10: CR LF is missing behind the string"},
		{"*1\r\n$3\r\nGET\r\n\n", "statestore: syntax error at byte 13: there are bytes behind the command"},
		{string(payload("KEYNOTIFY", "k", "GO")), "statestore: syntax error at byte 30: the only option of KEYNOTIFY is STOP"},
		{string(payload("SET", "k", "v", "PX")), "statestore: syntax error at byte 31: PX is followed by milliseconds, and nothing else"},
		{string(payload("SET", "k", "v", "PX", "1h")), "statestore: syntax error at byte 39: PX wants a positive decimal number of milliseconds"},
		{string(payload("SET", "k", "v", "EX", "1")), "statestore: syntax error at byte 31: the options of SET are NX or NEX, then PX with milliseconds"},
		{string(payload("PING")), "statestore: unknown command"},
	}
	for _, test := range tests {
		_, err := statestore.ParseCommand([]byte(test.payload))
		if err == nil || err.Error() != test.want {
			t.Errorf("%q:\n got %v\nwant %s", test.payload, err, test.want)
		}
		if errors.Is(err, statestore.ErrSyntax) == errors.Is(err, statestore.ErrUnknownCommand) {
			t.Errorf("%q: %v is both or none", test.payload, err)
		}
	}
}
