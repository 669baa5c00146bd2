package statestore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// TestModel runs random commands of several clients against the service and a
// naive one, both told the same time, and compares all that anybody sees.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			run := newRun(t, seed)
			for range 1500 {
				run.step()
			}
		})
	}
}

type run struct {
	t       *testing.T
	rand    *rand.Rand
	service *statestore.Service[string]
	model   *naive
	tokens  []stamp // versions seen, for use as fencing tokens
	history []string
}

func newRun(t *testing.T, seed uint64) *run {
	now := epoch.UnixMilli()
	return &run{t: t, rand: rand.New(rand.NewPCG(seed, 7)), service: newService(t, statestore.Config{}), model: newNaive(now)}
}

func (r *run) now() time.Time { return time.UnixMilli(r.model.now) }

func (r *run) pick(s ...string) string { return s[r.rand.IntN(len(s))] }

func (r *run) step() {
	switch n := r.rand.IntN(100); {
	case n < 12:
		r.model.now += int64(r.rand.IntN(30))
		r.note("time %d", r.model.now)
	case n < 13:
		r.model.now -= int64(r.rand.IntN(50)) // clocks step back
		r.note("time %d", r.model.now)
	case n < 18:
		r.expire()
	case n < 20:
		client := r.pick("a", "b", "c")
		r.note("disconnect %s", client)
		r.service.Disconnect(client)
		delete(r.model.watch, client)
	case n < 25:
		r.malformed()
	default:
		r.command()
	}
}

func (r *run) note(format string, a ...any) { r.history = append(r.history, fmt.Sprintf(format, a...)) }

func (r *run) words() []string {
	key := r.pick("k", "l", "\r\n", "long/"+strings.Repeat("x", 300))
	value := r.pick("", "1", "2", "$-1\r\n")
	switch r.rand.IntN(8) {
	case 0:
		return []string{"GET", key}
	case 1:
		return []string{"DEL", key}
	case 2:
		return []string{"VDEL", key, value}
	case 3:
		return []string{"KEYNOTIFY", key}
	case 4:
		return []string{"KEYNOTIFY", key, "STOP"}
	}
	words := []string{"SET", key, value}
	if r.rand.IntN(3) == 0 {
		words = append(words, r.pick("NX", "NEX"))
	}
	if r.rand.IntN(3) == 0 {
		words = append(words, "PX", strconv.Itoa(1+r.rand.IntN(100)))
	}
	return words
}

// stamp returns none, one around now, or one at the edges.
func (r *run) stamp() *stamp {
	node := r.pick("a", "b", "StateStore")
	switch r.rand.IntN(12) {
	case 0:
		return nil
	case 1:
		return &stamp{r.model.now + 60000 + int64(r.rand.IntN(3)) - 1, int64(99998 + r.rand.IntN(2)), node}
	case 2:
		return &stamp{0, 99999, node}
	}
	return &stamp{r.model.now + int64(r.rand.IntN(9)) - 6, int64(r.rand.IntN(3)), node}
}

func (r *run) fence() *stamp {
	if r.rand.IntN(3) > 0 {
		return nil
	}
	if n := len(r.tokens); n > 0 && r.rand.IntN(3) > 0 {
		return &r.tokens[max(0, n-1-r.rand.IntN(8))]
	}
	return r.stamp()
}

func (r *run) command() {
	client, words, ts, ft := r.pick("a", "b", "c"), r.words(), r.stamp(), r.fence()
	r.note("%s %q ts=%v ft=%v", client, words, ts, ft)
	q := newRequest(client, r.now(), words...)
	q.Properties = nil
	if ts != nil {
		q.Properties = append(q.Properties, property{Name: "__ts", Value: ts.String()})
	}
	if ft != nil {
		q.Properties = append(q.Properties, property{Name: "__ft", Value: ft.String()})
	}
	r.compare(r.model.do(client, words, ts, ft), r.handle(q))
	r.tokens = append(r.tokens, r.model.last)
	if r.model.last.wall == 0 {
		r.tokens = nil
	}
}

// malformed sends what the model need not know: it changes nothing.
func (r *run) malformed() {
	p := payload(r.words()...)
	q := newRequest("a", r.now(), "GET", "k")
	cut := r.rand.IntN(len(p))
	q.Payload = p[:cut]
	if r.rand.IntN(2) == 0 {
		q.Payload = append(slices.Clone(p), "*"...)
	}
	r.note("malformed %q", q.Payload)
	r.compare(naiveAnswer{Payload: "-ERR syntax error\r\n"}, r.handle(q))
}

func (r *run) expire() {
	r.note("expire")
	var ns []notification
	for {
		at, any := r.service.NextExpiry()
		if !any || at.After(r.now()) {
			break
		}
		var err error
		if ns, err = r.service.Expire(r.now(), ns); err != nil {
			r.t.Fatal(err)
		}
	}
	r.compare(r.model.expire(), r.answer(&statestore.Reply{}, ns))
}

func (r *run) handle(q *request) naiveAnswer {
	var reply statestore.Reply
	ns, err := r.service.Handle(q, r.now(), &reply, nil)
	if err != nil || reply.Fault != nil {
		r.t.Fatal(err, reply.Fault)
	}
	return r.answer(&reply, ns)
}

func (r *run) answer(reply *statestore.Reply, ns []notification) naiveAnswer {
	a := naiveAnswer{Payload: string(reply.Payload)}
	for _, p := range reply.Properties {
		if p.Name == "__ts" {
			a.Version = p.Value
		}
	}
	for _, n := range ns {
		topic := strings.TrimPrefix(n.Topic, "clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/")
		topic = strings.Replace(topic, "/command/notify/", "/", 1)
		a.Notified = append(a.Notified, fmt.Sprintf("%s %s %q %s", n.Session, topic, n.Payload, n.Properties[0].Value))
	}
	return a
}

// compare ignores the order among the watchers of one event, which share the
// version at the end of the text.
func (r *run) compare(want, got naiveAnswer) {
	slices.SortStableFunc(got.Notified, func(a, b string) int {
		if va, vb := a[strings.LastIndexByte(a, ' '):], b[strings.LastIndexByte(b, ' '):]; va != vb {
			return strings.Compare(va, vb)
		}
		return strings.Compare(a, b)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Fatalf("(-want +got):\n%s\nafter:\n%s", diff, strings.Join(r.history[max(0, len(r.history)-15):], "\n"))
	}
}
