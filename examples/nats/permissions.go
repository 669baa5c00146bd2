package nats

import (
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// system are the subjects that no client may use, whatever its rights: those of
// the server, and the topics of the broker itself (AUTHZ-16). The server's MQTT
// clients need to subscribe to the rest of $MQTT.
var system = [...]string{
	"$SYS.>", "$JS.>", "$JSC.>", "$NRG.>", "$KV.>", "$O.>", "$SRV.>", "$share.>",
	"$MQTT.msgs.>", "$MQTT.rmsgs.>", "$MQTT.sess.>", "$MQTT.qos2.>", "$MQTT.out.>", "$MQTT.JSA.>",
}

// stateStore are topics that no client may publish to (AUTHZ-16).
var stateStore = [...]string{
	"statestore.v1.FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8.>",
	"clients.statestore.v1.FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8.>",
}

// permissions are the subjects of a client, and the rights that none can say.
func permissions(rights []mqttauthz.Right) (p *server.Permissions, inexpressible []mqttauthz.Right) {
	publish, subscribe := &server.SubjectPermission{}, &server.SubjectPermission{}
	var origin []mqttauthz.Right // of each subject of subscribe
	for _, r := range rights {
		var to *server.SubjectPermission
		switch r.Operation {
		case mqttauthz.OpPublish:
			to = publish
		case mqttauthz.OpSubscribe:
			to = subscribe
		default:
			continue
		}
		if r.Void != "" {
			continue
		}
		list, ok := []string{">"}, r.Rule < 0 // of mqttauthz.AllowAll
		if !ok {
			list, ok = subjects(r.Filled)
		}
		if !ok {
			inexpressible = append(inexpressible, r)
			continue
		}
		to.Allow = append(to.Allow, list...)
		for range list {
			if to == subscribe {
				origin = append(origin, r)
			}
		}
	}
	inexpressible = append(inexpressible, bound(subscribe, origin)...)
	publish.Deny = append(append(publish.Deny, system[:]...), stateStore[:]...)
	subscribe.Deny = append(subscribe.Deny, system[:]...)
	for _, s := range []*server.SubjectPermission{publish, subscribe} {
		if len(s.Allow) == 0 { // an empty list would allow everything
			s.Deny = []string{">"}
		}
	}
	return &server.Permissions{Publish: publish, Subscribe: subscribe}, inexpressible
}

// bound makes up for a trait of the server: who may subscribe to a.* is also let
// subscribe to a.>, since that is compared like a subject whose second token is
// ">" (AUTHZ-7). So what is below a.* is denied, which holds at delivery. Where
// another right begins there, a.* itself is left out.
func bound(s *server.SubjectPermission, origin []mqttauthz.Right) (left []mqttauthz.Right) {
	all := s.Allow
	s.Allow = nil
	for i, subject := range all {
		below := subject + ".>"
		switch {
		case !strings.HasSuffix(subject, ".*"), coveredBy(below, all):
			s.Allow = append(s.Allow, subject)
		case slices.ContainsFunc(all, func(other string) bool { return server.SubjectsCollide(other, below) }):
			left = append(left, origin[i])
		default:
			s.Allow = append(s.Allow, subject)
			s.Deny = append(s.Deny, below)
		}
	}
	return left
}

// coveredBy reports whether one of the subjects matches all that end in ">" and
// match this one.
func coveredBy(below string, all []string) bool {
	want := strings.Split(below, ".")
	return slices.ContainsFunc(all, func(subject string) bool {
		have := strings.Split(subject, ".")
		if have[len(have)-1] != ">" || len(have) > len(want) {
			return false
		}
		for i, token := range have[:len(have)-1] {
			if token != "*" && token != want[i] {
				return false
			}
		}
		return true
	})
}
