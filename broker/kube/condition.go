package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// conditionType is the type of the one condition that is written to the status
// of what is followed as a whole.
const conditionType = "Ready"

// Reasons of the condition.
const (
	reasonOpen     = "Open"     // a listener: all its ports are open
	reasonClosed   = "Closed"   // a listener: at least one port is closed
	reasonAccepted = "Accepted" // a policy that can be used
	reasonMissing  = "Missing"  // a policy that refers to something missing
	reasonRestart  = "Restart"  // a Broker whose limits are not in force before the next start
	reasonInvalid  = "Invalid"  // errors, or an error in what it excludes
)

// condition is what a condition says, without when it began to.
type condition struct {
	status     metav1.ConditionStatus
	reason     string
	message    string // escaped and cut (OPS-1)
	generation int64  // which it is about
	since      string // lastTransitionTime; not compared
}

func (c condition) equal(d condition) bool {
	c.since, d.since = "", ""
	return c == d
}

// readyOf returns the condition that an object has, or nil.
func readyOf(u *unstructured.Unstructured) *condition {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions") // what is no list is no condition
	for _, entry := range list {
		m, ok := entry.(map[string]any)
		if !ok || m["type"] != conditionType {
			continue
		}
		text := func(key string) string { s, _ := m[key].(string); return s }
		generation, _ := m["observedGeneration"].(int64)
		return &condition{
			status: metav1.ConditionStatus(text("status")), reason: text("reason"), message: text("message"),
			generation: generation, since: text("lastTransitionTime"),
		}
	}
	return nil
}

// conditionOf says what became of an object of the broker kinds. Failed are the
// ports that could not be opened.
func (j *judgement) conditionOf(o *object, failed []*config.PortError) condition {
	if r := j.rejected[o.identity]; r != nil {
		return newCondition(o, metav1.ConditionFalse, reasonInvalid, r.String())
	}
	switch o.kind {
	case nameListener:
		return j.listenerCondition(o, failed)
	case nameBroker:
		return j.brokerCondition(o)
	}
	var missing []string
	for _, m := range j.missing {
		if m.Position.File == o.String() {
			missing = append(missing, missingText(m))
		}
	}
	if len(missing) > 0 {
		return newCondition(o, metav1.ConditionFalse, reasonMissing, strings.Join(missing, "; "))
	}
	return newCondition(o, metav1.ConditionTrue, reasonAccepted, "in force on every port that is linked with it")
}

func (j *judgement) brokerCondition(o *object) condition {
	status, reason, text := metav1.ConditionTrue, reasonAccepted, "the limits of clients are in force"
	if j.restart {
		status, reason, text = metav1.ConditionFalse, reasonRestart, "the limits of clients changed; they take effect when the program starts again"
	}
	for _, b := range o.set.Brokers {
		if len(b.Ignored) > 0 {
			text += "; without effect: " + strings.Join(b.Ignored, ", ")
		}
	}
	return newCondition(o, status, reason, text)
}

func (j *judgement) listenerCondition(o *object, failed []*config.PortError) condition {
	var open, closed []string
	for _, p := range j.plan.Ports {
		if p.Listener != o.key {
			continue
		}
		switch i := slices.IndexFunc(failed, func(e *config.PortError) bool { return e.Port == p }); {
		case len(p.Missing) > 0:
			closed = append(closed, fmt.Sprintf("port %d is closed: %s", p.Number, missingText(p.Missing[0])))
		case i >= 0:
			closed = append(closed, fmt.Sprintf("port %d is closed: %v", p.Number, failed[i].Err))
		default:
			open = append(open, fmt.Sprintf("port %d is open", p.Number))
		}
	}
	if len(closed) > 0 {
		return newCondition(o, metav1.ConditionFalse, reasonClosed, strings.Join(append(closed, open...), "; "))
	}
	return newCondition(o, metav1.ConditionTrue, reasonOpen, strings.Join(open, "; "))
}

func newCondition(o *object, status metav1.ConditionStatus, reason, message string) condition {
	return condition{status: status, reason: reason, message: peertext.Clean(message), generation: o.generation}
}

// missingText is what Missing.String says, without the place, which is the
// object that the text is written to.
func missingText(m resource.Missing) string {
	m.Position = resource.Position{}
	return strings.TrimPrefix(m.String(), ": ")
}

// String begins with what is in force, since the end may be cut.
func (r *rejection) String() string {
	texts := make([]string, len(r.errs))
	for i, e := range r.errs {
		texts[i] = e.Detail
		if e.Field != "" {
			texts[i] = e.Field + ": " + e.Detail
		}
	}
	text := strings.Join(texts, "; ")
	if r.kept == nil {
		return text
	}
	if r.kept.generation == 0 { // ConfigMaps and Secrets have none
		return "the last valid version stays in force: " + text
	}
	return fmt.Sprintf("generation %d stays in force: %s", r.kept.generation, text)
}

// portErrors takes the error of config.Keeper.Apply apart.
func portErrors(err error) []*config.PortError {
	var out []*config.PortError
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, e := range list {
		var p *config.PortError
		if errors.As(e, &p) {
			out = append(out, p)
		}
	}
	return out
}
