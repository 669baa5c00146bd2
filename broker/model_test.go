package broker_test

import (
	"slices"
	"strings"
)

// world is a naive model of the broker: what each client must receive, in which
// order, under which rights. It knows nothing of how the broker works.
type world struct {
	clients  []*modelClient
	retained map[string]modelMessage
}

// modelClient is a client, with its session and its rights.
type modelClient struct {
	mayPublish, maySubscribe []string // patterns of the policy in force

	online   bool
	keeps    bool // the session outlives the connection
	exists   bool // the session does
	window   int  // receive maximum
	subs     map[string]modelSub
	queue    []modelMessage // to be received, in order
	inflight []modelMessage // received, not acknowledged
	held     []modelHeld    // QoS 2 publishes without PUBREL
}

type modelSub struct {
	qos     byte
	noLocal bool
}

type modelMessage struct {
	topic, payload string
	qos            byte
	retain         bool
	dup            bool   // sent before
	id             uint16 // that it was sent with
}

type modelHeld struct {
	id      uint16
	message modelMessage
	denied  bool // 3.1.1 only: acknowledged, and never routed
}

func newWorld(n int) *world {
	w := &world{retained: make(map[string]modelMessage)}
	for range n {
		w.clients = append(w.clients, &modelClient{})
	}
	return w
}

// connect says whether a session is present.
func (w *world) connect(c *modelClient, clean, keeps bool, window int) (present bool) {
	if c.online {
		c.disconnect()
	}
	if clean || !c.exists {
		*c = modelClient{mayPublish: c.mayPublish, maySubscribe: c.maySubscribe, subs: make(map[string]modelSub)}
	}
	present = c.exists
	c.exists, c.online, c.keeps, c.window = true, true, keeps, window
	for f := range c.subs {
		if !c.allowsSubscribe(f) {
			delete(c.subs, f)
		}
	}
	c.queue = slices.DeleteFunc(c.queue, func(m modelMessage) bool { return !c.subscribed(m.topic) })
	again := slices.Clone(c.inflight)
	for i := range again {
		again[i].dup = true
	}
	c.queue, c.inflight = append(again, c.queue...), nil
	return present
}

// disconnect is the end of a connection, for whatever reason.
func (c *modelClient) disconnect() {
	c.online = false
	c.exists = c.keeps
	c.queue = slices.DeleteFunc(c.queue, func(m modelMessage) bool { return m.qos == 0 })
	// What could not be sent again yet was sent before, all the same.
	sent := slices.DeleteFunc(slices.Clone(c.queue), func(m modelMessage) bool { return !m.dup })
	c.queue = slices.DeleteFunc(c.queue, func(m modelMessage) bool { return m.dup })
	c.inflight = append(c.inflight, sent...)
}

// receives returns what comes now.
func (c *modelClient) receives() (now []modelMessage) {
	for len(c.queue) > 0 && c.online {
		m := c.queue[0]
		if m.qos > 0 && len(c.inflight) >= c.window {
			return now
		}
		c.queue = c.queue[1:]
		if m.qos > 0 {
			c.inflight = append(c.inflight, m)
		}
		now = append(now, m)
	}
	return now
}

// subscribe says whether it is granted, and sends the retained message.
func (w *world) subscribe(c *modelClient, filter string, s modelSub) bool {
	if !c.allowsSubscribe(filter) {
		return false
	}
	c.subs[filter] = s
	for topic, m := range w.retained {
		if modelMatch(filter, topic) {
			m.qos, m.retain = min(m.qos, s.qos), true
			c.queue = append(c.queue, m)
		}
	}
	return true
}

// route delivers a message to everybody once.
func (w *world) route(from *modelClient, m modelMessage) {
	if m.retain {
		w.retained[m.topic] = m
		if m.payload == "" {
			delete(w.retained, m.topic)
		}
	}
	for _, c := range w.clients {
		best := -1
		for f, s := range c.subs {
			if modelMatch(f, m.topic) && !(s.noLocal && c == from) {
				best = max(best, int(s.qos))
			}
		}
		d := m
		d.retain = false
		d.qos = min(m.qos, byte(max(best, 0)))
		if best >= 0 && c.exists && (c.online || d.qos > 0) {
			c.queue = append(c.queue, d)
		}
	}
}

func (c *modelClient) allowsPublish(topic string) bool {
	return slices.ContainsFunc(c.mayPublish, func(p string) bool { return modelMatch(p, topic) })
}

func (c *modelClient) allowsSubscribe(filter string) bool {
	return slices.ContainsFunc(c.maySubscribe, func(p string) bool { return modelCovers(p, filter) })
}

func (c *modelClient) subscribed(topic string) bool {
	for f := range c.subs {
		if modelMatch(f, topic) {
			return true
		}
	}
	return false
}

// modelMatch reports whether a filter without dollar signs matches a topic.
func modelMatch(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		if level == "#" {
			return true
		}
		if i >= len(t) || level != "+" && level != t[i] {
			return false
		}
		if i == len(t)-1 && len(f) == len(t)+1 && f[len(t)] == "#" {
			return true
		}
	}
	return len(f) == len(t)
}

// modelCovers reports whether a pattern matches all that a filter matches.
func modelCovers(pattern, filter string) bool {
	p, f := strings.Split(pattern, "/"), strings.Split(filter, "/")
	for i, level := range p {
		if level == "#" {
			return true
		}
		if i >= len(f) || f[i] == "#" || level != "+" && level != f[i] {
			return false
		}
	}
	if len(f) == len(p)-1 {
		return p[len(p)-1] == "#"
	}
	return len(f) == len(p)
}
