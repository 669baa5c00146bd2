package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// AUTHZ-15: a denial's line has all that the policy decides by, and of an
// unreasonable client not more than fits (OPS-1).
func TestAUTHZ15DenialLines(t *testing.T) {
	few := map[string]string{"building": "17", "a b": "x\ny"}
	many := make(map[string]string)
	for i := range 40 {
		many[fmt.Sprintf("name%02d", i)] = strings.Repeat("v", 1000)
	}
	login := func(attributes map[string]string) method {
		return answers(mqttauth.Accept(mqttauth.Principal{ClientID: "c", Username: "alice", Attributes: attributes}, "alice"), nil)
	}
	listen := func(t *testing.T, attributes map[string]string, p *mqttauthz.Policy) *port {
		return newServer(t, broker.Limits{}).listen(broker.Access{Authentication: chain(t, login(attributes)), Authorization: p})
	}
	who := []string{"port=test", "client_id=c", "username=alice", "method=m0", "attributes.building=17", `"attributes.a b"=x\u{a}y`}
	line := func(t *testing.T, b *port, parts ...string) {
		t.Helper()
		eventually(t, "a line with "+strings.Join(parts, " "), func() bool {
			for line := range strings.Lines(b.log()) {
				if containsAll(line, parts...) {
					return true
				}
			}
			return false
		})
	}
	t.Run("publish and subscribe", func(t *testing.T) {
		b := listen(t, few, policy(t, allow("alice")))
		p := b.connect(v5, "c")
		p.publishes(wire.Publish{QoS: 1, Topic: "t"}, mqttauth.NotAuthorized)
		if code := p.tries("f"); code != mqttauth.NotAuthorized {
			t.Errorf("SUBACK %v", code)
		}
		line(t, b, append(who, "publish denied", "topic=t")...)
		line(t, b, append(who, "subscribe denied", "filter=f")...)
	})
	t.Run("connect", func(t *testing.T) {
		b := listen(t, few, nil)
		b.refused(mqttauth.NotAuthorized, connectPacket(v5, "c"))
		line(t, b, append(who, "client refused", `reason="not authorized (0x87)"`)...)
	})
	t.Run("will", func(t *testing.T) {
		b := listen(t, few, policy(t, allow("alice")))
		b.refused(mqttauth.NotAuthorized, connectPacket(v5, "c", func(c *wire.Connect) { c.Will = &wire.Will{Topic: "last/words"} }))
		line(t, b, append(who, "client refused", "topic=last/words")...)
	})
	t.Run("many attributes", func(t *testing.T) {
		b := listen(t, many, nil)
		b.refused(mqttauth.NotAuthorized, connectPacket(v5, "c"))
		line(t, b, "client refused", "attributes_omitted=24", "attributes.name15=")
		if log := b.log(); strings.Contains(log, "name16") || len(log) > 6000 {
			t.Errorf("the line is too long:\n%s", log)
		}
	})
}
