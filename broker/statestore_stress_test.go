package broker_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Clients that ask, watch and vanish, entries that expire, and a policy that
// changes, all at the same time: nothing blocks, and the store works on.
func TestStoreUnderChange(t *testing.T) {
	rules := func(method mqttauthz.StateStoreMethod) []mqttauthz.Rule {
		var all []mqttauthz.Rule
		for i := range 6 {
			all = append(all, keyed(fmt.Sprint("u", i), keys(method, "*")))
		}
		return all
	}
	b := storePort(t, rules(mqttauthz.ReadWrite)...)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := rush(b, fmt.Sprint("u", i), r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 200 {
		method := mqttauthz.ReadWrite
		if i%2 == 0 {
			method = mqttauthz.Write
		}
		b.set(access(t, rules(method)...))
	}
	close(stop)
	wg.Wait()
	b.set(access(t, rules(mqttauthz.ReadWrite)...))
	a := b.client("a", as("u0"))
	a.answered(ok, "KEYNOTIFY", "other")
	a.answered(ok, "SET", "other", "v")
	a.notified("a", "other", assigned("v"))
}

// rush connects, sends some requests at once, reads a part of what comes, and
// vanishes. That the server ends the connection meanwhile is no error.
func rush(b *port, id string, r *rand.Rand) error {
	nc, err := b.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	p := newPeer(b.t, nc)
	packets := connectPacket(v5, id, as(id)).Append(nil)
	n := r.IntN(20)
	for range n {
		key := string(rune('a' + r.IntN(3)))
		q := p.request([][]string{
			{"SET", key, "v", "PX", fmt.Sprint(1 + r.IntN(5))}, {"SET", key, "v"}, {"KEYNOTIFY", key}, {"KEYNOTIFY", key, "STOP"}, {"DEL", key}, {"GET", key},
		}[r.IntN(6)]...)
		packets = q.Append(packets, v5)
	}
	if _, err := nc.Write(packets); err != nil {
		return nil
	}
	for range r.IntN(n + 2) { // CONNACK, and PUBACK of each
		k, err := p.read()
		if err != nil {
			return err
		}
		if k == (closed{}) || acknowledgeTo(p, k) != nil {
			return nil
		}
	}
	return nil
}
