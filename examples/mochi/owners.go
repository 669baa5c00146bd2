package mochi

import (
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// owners knows whose session a client ID is: nobody else may take it over, clean
// or resume it (AUTHN-10).
type owners struct {
	server *mqtt.Server

	mu    sync.Mutex
	byID  map[string]owner
	sweep int // size at which entries of the past are looked for
}

type owner struct {
	identity mqttauth.Identity
	mochi    *mqtt.Client // the last that was accepted
}

// claim makes an identity the owner of a client ID, unless it is another's.
func (o *owners) claim(cl *mqtt.Client, i mqttauth.Identity) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if held, ok := o.byID[cl.ID]; ok && o.inForce(cl.ID, held) && !held.identity.Same(i) {
		return false
	}
	if o.byID == nil {
		o.byID = make(map[string]owner)
	}
	if len(o.byID) >= o.sweep {
		for id, held := range o.byID {
			if !o.inForce(id, held) {
				delete(o.byID, id)
			}
		}
		o.sweep = 2*len(o.byID) + 1024
	}
	o.byID[cl.ID] = owner{i, cl}
	return true
}

// inForce reports whether there still is a session, or will be one.
func (o *owners) inForce(id string, held owner) bool {
	if !held.mochi.Closed() {
		return true
	}
	_, ok := o.server.Clients.Get(id)
	return ok
}

func (o *owners) release(cl *mqtt.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID[cl.ID].mochi == cl {
		delete(o.byID, cl.ID)
	}
}
