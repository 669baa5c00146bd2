package config_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// annotated sets annotations of a document.
func (f files) annotated(file string, annotations ...string) files {
	return f.replace(file, "metadata:\n", "metadata:\n  annotations: {"+strings.Join(annotations, ", ")+"}\n")
}

// AUTHZ-13: mqttwarden/keep-clients keeps a client when its policy grows, and
// not when it shrinks.
func TestAUTHZ13KeepClientsSetting(t *testing.T) {
	b, docs := newBench(t)
	docs = docs.annotated("authorization.yaml", "mqttwarden/keep-clients: 'true'")
	b.apply(docs)
	c := b.dial()
	if got := c.publish("telemetry/humidity"); got != mqttauth.NotAuthorized {
		t.Fatalf("publish: %v", got)
	}
	b.apply(docs.replace("authorization.yaml", "telemetry/temperature", "telemetry/#"))
	if got := c.publish("telemetry/humidity"); got != 0 {
		t.Errorf("publish after the policy grew: %v", got)
	}
	b.apply(docs)
	f, err := c.r.Next(1 << 20)
	if err != nil || f.Type != wire.DISCONNECT {
		t.Errorf("after the policy shrank: %v, %v", f.Type, err)
	}
}

// AUTHN-14: with mqttwarden/throttle-failures, who failed waits before the next
// attempt, which is asked about all the same.
func TestAUTHN14Setting(t *testing.T) {
	b, server, docs := customBench(t, false, "")
	server.answer(customauth.Refuse(mqttauth.NotAuthorized, ""))
	b.apply(docs.annotated("authentication.yaml", "mqttwarden/throttle-failures: 'true'"))
	attempt := func() (mqttauth.ReasonCode, time.Duration) {
		began := time.Now()
		return b.dial().code, time.Since(began)
	}
	if code, _ := attempt(); code != mqttauth.NotAuthorized {
		t.Fatalf("CONNACK with %v", code)
	}
	if code, took := attempt(); code != mqttauth.NotAuthorized || took < 50*time.Millisecond {
		t.Errorf("the second attempt is answered with %v after %v", code, took)
	}
	server.answer(customauth.Accept(map[string]string{"group": "thermostats"}, time.Time{}))
	if code, _ := attempt(); code != 0 {
		t.Errorf("a good attempt is answered with %v:\n%s", code, b.log)
	}
}

// CUST-6: with mqttwarden/method-<index>-requests-per-second at one, the server
// cannot be asked about twelve clients within the patience of all of them.
func TestCUST6Setting(t *testing.T) {
	b, server, docs := customBench(t, false, "")
	server.answer(customauth.Accept(thermostats(), time.Time{}))
	b.apply(docs)
	b.apply(docs.annotated("authentication.yaml", "mqttwarden/method-0-requests-per-second: '1'"))
	const crowd = 12
	codes := make(chan mqttauth.ReasonCode, crowd)
	for i := range crowd {
		p := connectAs("alice", "s3cret")
		p.ClientID = strconv.Itoa(i)
		c := b.sends(p, false)
		go func() {
			var answer wire.Connack
			f, err := c.r.Next(1 << 20)
			if err != nil || answer.Decode(f, mqttauth.MQTT5) != nil {
				answer.Code = wire.UnspecifiedError
			}
			codes <- answer.Code
		}()
	}
	for range crowd {
		if code := <-codes; code != mqttauth.Success {
			if code != mqttauth.ServerUnavailable {
				t.Errorf("refused with %v\n%s", code, b.log)
			}
			return
		}
	}
	t.Errorf("all %d were let in:\n%s", crowd, b.log)
}
