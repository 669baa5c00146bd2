package main

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// payloadSize is that of all messages.
const payloadSize = 64

// epoch is what time stamps in payloads count from.
var epoch = time.Now()

// publisher sends messages of one topic. One goroutine sends, another one takes
// acknowledgements.
type publisher struct {
	*client
	gate  *gate
	qos   byte
	topic string
	batch int // messages in one write

	one, buf []byte // one encoded message; those of a batch
	idAt     int    // offset of the packet identifier in one
	id       uint16 // used last

	mu     sync.Mutex
	freed  sync.Cond
	free   int // acknowledgements that need not be waited for
	closed bool
}

func newPublisher(c *client, g *gate, qos byte, topic string, batch, inflight int) *publisher {
	p := &publisher{client: c, gate: g, qos: qos, topic: topic, batch: batch, free: inflight}
	p.freed.L = &p.mu
	p.one = appendPublish(nil, c.version, qos, 1, topic, make([]byte, payloadSize))
	p.idAt = 4 + len(topic) // behind a fixed header of two bytes and the topic
	return p
}

// send sends n messages in one write, with the time as their payload. It
// returns false when the measurement ends.
func (p *publisher) send(n int) (bool, error) {
	if !p.claim(n) {
		return false, nil
	}
	if !p.gate.reserve(n) {
		p.release(n)
		return false, nil
	}
	now := uint64(time.Since(epoch))
	binary.BigEndian.PutUint64(p.one[len(p.one)-payloadSize:], now)
	p.buf = p.buf[:0]
	for range n {
		if p.qos > 0 {
			p.id = max(1, p.id+1)
			binary.BigEndian.PutUint16(p.one[p.idAt:], p.id)
		}
		p.buf = append(p.buf, p.one...)
	}
	_, err := p.Write(p.buf)
	return true, err
}

// claim waits until n more messages may be unacknowledged.
func (p *publisher) claim(n int) bool {
	if p.qos == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.free < n && !p.closed {
		p.freed.Wait()
	}
	if p.closed {
		return false
	}
	p.free -= n
	return true
}

// flood sends as fast as it may.
func (p *publisher) flood() error {
	for {
		if more, err := p.send(p.batch); err != nil || !more {
			return err
		}
	}
}

// pace sends so many messages a second, in one write what is due by the
// millisecond.
func (p *publisher) pace(rate int) error {
	tick := time.NewTicker(max(time.Millisecond, time.Second/time.Duration(rate)))
	defer tick.Stop()
	began, sent := time.Now(), 0
	for {
		due := int(time.Since(began).Seconds()*float64(rate)) - sent
		for due > 0 {
			n := min(due, p.batch)
			if more, err := p.send(n); err != nil || !more {
				return err
			}
			due -= n
			sent += n
		}
		<-tick.C
	}
}

// stop ends flood and pace.
func (p *publisher) stop() {
	p.gate.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.freed.Broadcast()
}

// acknowledged takes acknowledgements until the connection ends.
func (p *publisher) acknowledged() error {
	var answers []byte
	done := 0
	for {
		a, err := p.next()
		if err != nil {
			return err
		}
		for ok := true; ok; a, ok, err = p.take() {
			id, err := a.id()
			if err != nil {
				return err
			}
			code, err := a.code()
			switch {
			case err != nil:
				return err
			case code >= 0x80:
				return fmt.Errorf("publisher: message refused with %#x", code)
			case a.kind == typePubrec && p.qos == 2:
				answers = appendAck(answers, typePubrel, id)
			case a.kind == typePubcomp && p.qos == 2, a.kind == typePuback && p.qos == 1:
				done++
			default:
				return fmt.Errorf("publisher: unexpected packet of type %d", a.kind)
			}
		}
		if err != nil {
			return err
		}
		if len(answers) > 0 {
			if _, err := p.Write(answers); err != nil {
				return err
			}
			answers = answers[:0]
		}
		p.release(done)
		done = 0
	}
}

func (p *publisher) release(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += n
	p.freed.Signal()
}
