package broker

import (
	"context"
	"log/slog"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// will is the Will Message of a connection.
type will struct {
	packet wire.Publish
	delay  uint32 // seconds
}

func newWill(w *wire.Will) *will {
	if w == nil {
		return nil
	}
	return &will{
		delay: w.Delay,
		packet: wire.Publish{
			QoS: w.QoS, Retain: w.Retain, Topic: w.Topic, Payload: w.Payload,
			PayloadFormat: w.PayloadFormat, MessageExpiry: w.MessageExpiry, ContentType: w.ContentType,
			ResponseTopic: w.ResponseTopic, CorrelationData: w.CorrelationData, UserProperties: w.UserProperties,
		},
	}
}

// publish routes the will, if the policy of the moment still allows it
// (AUTHZ-9, S-29). The client's mu is held.
func (w *will) publish(cl *client) {
	s := cl.server
	s.wills.Lock()
	defer s.wills.Unlock()
	cl.queue.Lock()
	owner := cl.owner
	cl.queue.Unlock()
	if !cl.listener.policy().Grants(owner).Publish(w.packet.Topic).Allowed() {
		line := append([]slog.Attr{slog.String(keyPort, cl.listener.name), peer(keyClientID, cl.id)}, verified(owner)...)
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "will denied", append(line, peer(keyTopic, w.packet.Topic))...)
		return
	}
	now := time.Now()
	var f fanout
	s.limitExpiry(&w.packet)
	s.publish(message.New(&w.packet, mqttauth.MQTT5, cl, now), cl, &f, now)
	f.wake()
}

// waitForWill returns when a will that is being decided on has been routed.
func (s *Server) waitForWill() {
	s.wills.Lock()
	defer s.wills.Unlock()
}
