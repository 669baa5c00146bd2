package statestore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// epoch is the time at which tests begin.
var epoch = time.UnixMilli(1_700_000_000_000)

type (
	request      = statestore.Request[string]
	notification = statestore.Notification[string]
	property     = statestore.UserProperty
)

// allKeys allows everything.
type allKeys struct{}

func (allKeys) CanReadKey([]byte) bool  { return true }
func (allKeys) CanWriteKey([]byte) bool { return true }

// keysFrom allows keys with a prefix.
type keysFrom struct{ read, write string }

func (k keysFrom) CanReadKey(key []byte) bool  { return strings.HasPrefix(string(key), k.read) }
func (k keysFrom) CanWriteKey(key []byte) bool { return strings.HasPrefix(string(key), k.write) }

func newService(t testing.TB, c statestore.Config) *statestore.Service[string] {
	t.Helper()
	s, err := statestore.New[string](c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// timestamp returns the __ts of a client at a time.
func timestamp(at time.Time) property {
	return property{Name: "__ts", Value: statestore.Timestamp{Wall: at.UnixMilli(), Node: "test"}.String()}
}

// payload encodes words as a request.
func payload(words ...string) []byte {
	b := statestore.AppendArray(nil, len(words))
	for _, w := range words {
		b = statestore.AppendBulk(b, w)
	}
	return b
}

// newRequest returns a request of a client that may do everything.
func newRequest(client string, at time.Time, words ...string) *request {
	return &request{
		Session: client, ClientID: client, QoS: 1, ResponseTopic: "r", HasCorrelationData: true,
		Properties: []property{timestamp(at)}, Payload: payload(words...), Keys: allKeys{},
	}
}

// do executes words and wants this reply payload.
func do(t testing.TB, s *statestore.Service[string], client string, at time.Time, want string, words ...string) []notification {
	t.Helper()
	var reply statestore.Reply
	ns, err := s.Handle(newRequest(client, at, words...), at, &reply, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(reply.Payload); got != want {
		t.Fatalf("%.80q: got %.80q, want %.80q", words, got, want)
	}
	return ns
}
