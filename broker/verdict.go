package broker

import "github.com/mqttwarden/mqttwarden/mqttauthz"

// verdict is what was found out about the last topic. Most clients publish to
// one topic many times: what was decided stands for as long as the grants do,
// which never change but are replaced (AUTHZ-13). The zero value knows nothing.
type verdict struct {
	grants   *mqttauthz.Grants // whose word it is
	topic    []byte
	decision mqttauthz.Decision
}

// verdictTopic is the length up to which a topic is remembered: a client must
// not make the server keep much.
const verdictTopic = 128

// about reports whether v is the word of grants about a topic.
func (v *verdict) about(grants *mqttauthz.Grants, topic string) bool {
	return v.grants == grants && string(v.topic) == topic
}

func (v *verdict) set(grants *mqttauthz.Grants, topic string, d mqttauthz.Decision) {
	if len(topic) > verdictTopic {
		return
	}
	v.grants, v.topic, v.decision = grants, append(v.topic[:0], topic...), d
}

// decide says whether the client may publish to a topic. It fails if that is not
// a topic name, or is over a limit. mu is held, by the serve goroutine.
func (c *conn) decide(topic string) (mqttauthz.Decision, error) {
	grants := c.grants()
	if c.verdict.about(grants, topic) {
		return c.verdict.decision, nil
	}
	if err := c.checkTopic(topic); err != nil {
		return mqttauthz.Decision{}, err
	}
	d := grants.Publish(topic)
	c.verdict.set(grants, topic, d)
	return d, nil
}
