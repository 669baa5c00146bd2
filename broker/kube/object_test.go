package kube

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the cluster notes about an object, its status above all, is no change.
func TestSubstance(t *testing.T) {
	t.Parallel()
	u := func(number string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": group + "/v1", "kind": nameListener,
			"metadata": map[string]any{
				"name": "edge", "namespace": "ns", "uid": "1", "resourceVersion": number, "generation": int64(3),
				"managedFields": []any{map[string]any{"time": number}}, "annotations": map[string]any{"a": "b"},
			},
			"spec": map[string]any{"ports": []any{map[string]any{"port": int64(1883)}}},
			"status": map[string]any{"conditions": []any{map[string]any{
				"type": "Ready", "status": "True", "reason": "Open", "message": number, "observedGeneration": int64(3),
				"lastTransitionTime": "2026-01-01T00:00:00Z",
			}}},
		}}
	}
	a, b := decode(brokerKinds()[0], u("1")), decode(brokerKinds()[0], u("2"))
	if a.set == nil || a.text != b.text {
		t.Errorf("the text differs, or there are errors %v:\n%s\n%s", a.errs, a.text, b.text)
	}
	want := condition{status: metav1.ConditionTrue, reason: reasonOpen, message: "2", generation: 3, since: "2026-01-01T00:00:00Z"}
	if b.ready == nil || *b.ready != want {
		t.Errorf("condition %+v, want %+v", b.ready, want)
	}
	entry := condition{status: metav1.ConditionTrue}.entry(b.ready, time.Unix(0, 0))
	if got := entry["lastTransitionTime"]; got != want.since {
		t.Errorf("the condition is true since %v, want %v", got, want.since)
	}
	entry = condition{status: metav1.ConditionFalse}.entry(b.ready, time.Unix(0, 0))
	if got := entry["lastTransitionTime"]; got != "1970-01-01T00:00:00Z" {
		t.Errorf("the condition is false since %v", got)
	}
}
