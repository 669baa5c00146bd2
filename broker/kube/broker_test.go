package kube

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The limits of a Broker are part of the plan; one that is not valid is as none,
// or as it was.
func TestBroker(t *testing.T) {
	t.Parallel()
	w := whole(t)
	for _, step := range []struct {
		spec string
		want int
	}{
		{`{"advanced":{"clients":{"maxPacketSizeBytes":0}}}`, 0},
		{`{"advanced":{"clients":{"maxPacketSizeBytes":65536}}}`, 65536},
		{`{"advanced":{"clients":{"maxPacketSize":1}}}`, 65536},
	} {
		w.put(nameBroker, "default", step.spec)
		if v := w.expect(step.spec, wholePorts); v.plan.Limits.PacketSize != step.want {
			t.Errorf("%s: limit %d, want %d", step.spec, v.plan.Limits.PacketSize, step.want)
		}
	}
}

// The condition of a Broker says what has no effect, and what has none yet.
func TestBrokerCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.put(nameBroker, "default", `{"memoryProfile":"Tiny","advanced":{"internalCerts":{},"clients":{"maxReceiveMaximum":7}}}`)
	v := w.expect("at start", map[string]string{})
	want := condition{
		status: metav1.ConditionTrue, reason: reasonAccepted, generation: 1,
		message: "the limits of clients are in force; without effect: spec.advanced.internalCerts, spec.memoryProfile",
	}
	if got := v.conditionOf(o, nil); got != want {
		t.Errorf("condition %+v, want %+v", got, want)
	}
	w.put(nameBroker, "default", `{"advanced":{"clients":{"maxReceiveMaximum":8}}}`)
	v = w.expect("changed", map[string]string{})
	want = condition{
		status: metav1.ConditionFalse, reason: reasonRestart, generation: 2,
		message: "the limits of clients changed; they take effect when the program starts again",
	}
	if got := v.conditionOf(w.objects[o.String()], nil); got != want {
		t.Errorf("condition %+v, want %+v", got, want)
	}
	second := w.put(nameBroker, "second", `{}`)
	v = w.expect("with a second", map[string]string{})
	if got := v.conditionOf(second, nil); got.reason != reasonInvalid || !strings.Contains(got.message, "a second Broker") {
		t.Errorf("condition of a second Broker: %+v", got)
	}
}
