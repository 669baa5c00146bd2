package mochi

import (
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// OnACLCheck decides about subscriptions. The server also asks it at every
// delivery, with the topic in the place of the filter: who may receive a topic
// may subscribe to it, and the other way round, so one answer is right for both.
//
// Publishes are let through here and decided on by OnPublish: here, the topic of
// an alias is not known yet (AUTHZ-9).
func (h *Hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	grants := h.rights(cl)
	if write {
		return grants != nil
	}
	return maySubscribe(grants, topic)
}

// maySubscribe also refuses the shares that the server reads into filters of
// another letter case, which are none (AUTHZ-8).
func maySubscribe(g *mqttauthz.Grants, filter string) bool {
	const share = "$share"
	first, _, _ := strings.Cut(filter, "/")
	if first != share && strings.EqualFold(first, share) {
		return false
	}
	return g.Subscribe(filter).Allowed()
}

// OnPublish decides about a message by its effective topic. A denied one is
// acknowledged here: the server would send PUBACK for QoS 2 as well, and route
// what it may not acknowledge (AUTHZ-10).
func (h *Hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline || h.rights(cl).Publish(pk.TopicName).Allowed() {
		return pk, nil
	}
	h.log.Warn("publish denied", "client_id", cl.ID, "topic", pk.TopicName)
	ack := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: pk.PacketID}
	if pk.FixedHeader.Qos == 2 {
		ack.FixedHeader.Type = packets.Pubrec
	}
	if cl.Properties.ProtocolVersion == 5 {
		ack.ReasonCode = packets.ErrNotAuthorized.Code
	}
	if pk.FixedHeader.Qos > 0 {
		_ = cl.WritePacket(ack) // who is gone needs none
	}
	return pk, packets.ErrRejectPacket
}

// OnWill decides about a will again when the client is gone. The server routes
// the original after an error, so a denied will gets a topic that nobody may
// receive.
func (h *Hook) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	c := h.of(cl)
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		// By the rules of the moment: the client's own grants are gone if it was
		// cut off.
		if h.accessOf(cl.Net.Listener).Authorization.Grants(c.who).Publish(will.TopicName).Allowed() {
			return will, nil
		}
	}
	return mqtt.Will{}, nil
}
