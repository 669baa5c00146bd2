package broker_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// categorized notes the category of each client that connects.
type categorized struct {
	mu   sync.Mutex
	seen map[string]string
}

func (c *categorized) Observe(e broker.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Action == broker.ActionConnect {
		c.seen[e.ClientID] = e.Category
	}
}

// OPS-1: only a category that is configured is one, whatever clients write.
func TestOPS1Categories(t *testing.T) {
	o := &categorized{seen: make(map[string]string)}
	s := &server{t: t, logs: new(logs)}
	s.Server = broker.NewServer(broker.Options{Observer: o, Categories: []string{"sdk", "probe", "sdk", "\xff", ""}})
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	b := s.listen(access(t, allow("alice", pub("ok/#"))))
	property := func(name, value string) option {
		return func(c *wire.Connect) {
			if err := c.UserProperties.Add(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id, options := range map[string][]option{
		"sdk":    {property("other", "probe"), property("metriccategory", "sdk")},
		"first":  {property("metriccategory", "probe"), property("metriccategory", "sdk")},
		"made":   {property("metriccategory", "made up")},
		"case":   {property("MetricCategory", "sdk")},
		"silent": nil,
	} {
		p := b.connect(v5, id, append(options, as("alice"))...)
		p.publishes(wire.Publish{QoS: 1, Topic: "ok"}, 0)
		p.publishes(wire.Publish{QoS: 1, Topic: "secret"}, mqttauth.NotAuthorized)
		if id == "sdk" {
			p.leave()
		}
	}
	eventually(t, "one connection less", func() bool { return s.Stats().Connections == 4 })
	one := broker.Counts{PublishAllowed: 1, PublishDenied: 1}
	want := map[string]broker.Counts{"": {PublishAllowed: 3, PublishDenied: 3}, "sdk": one, "probe": one}
	if diff := cmp.Diff(want, s.Stats().Categories); diff != "" {
		t.Errorf("figures (-want +got)\n%s", diff)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := map[string]string{"sdk": "sdk", "first": "probe", "made": "", "case": "", "silent": ""}
	if diff := cmp.Diff(seen, o.seen); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}
