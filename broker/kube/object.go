package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// object is one version of an object of the cluster, decoded. It is not changed
// after it was made.
type object struct {
	identity
	resource   schema.GroupVersionResource // which the object was read from
	uid        string
	version    string // which the server gives to every write, also to those of the status
	generation int64
	created    time.Time
	ready      *condition // in its status; nil: none
	automatic  []uint16   // ports of a listener with TLS mode Automatic

	text string          // what was decoded
	set  *resource.Set   // with this object alone; nil after an error
	errs resource.Errors // why set is nil
}

// decode reads an object.
func decode(k kind, u *unstructured.Unstructured) *object {
	o := &object{
		identity:   k.identity(u.GetNamespace(), u.GetName()),
		resource:   k.resourceOf(u),
		uid:        string(u.GetUID()),
		version:    u.GetResourceVersion(),
		generation: u.GetGeneration(),
		created:    u.GetCreationTimestamp().Time,
		ready:      readyOf(u),
	}
	text, err := json.Marshal(substance(u))
	if err != nil {
		o.errs = resource.Errors{{Position: resource.Position{File: o.String()}, Detail: "cannot be written as JSON", Err: err}}
		return o
	}
	o.text = string(text)
	o.set, err = resource.ParseObject(o.String(), text)
	if err != nil && !errors.As(err, &o.errs) {
		o.errs = resource.Errors{{Position: resource.Position{File: o.String()}, Detail: err.Error(), Err: err}}
	}
	if o.set != nil {
		o.awaitCertificates()
	}
	return o
}

// resourceOf returns which version of the kind an object is of. The server gives
// it the version that it was asked for.
func (k kind) resourceOf(u *unstructured.Unstructured) schema.GroupVersionResource {
	for _, r := range k.versions {
		if r.GroupVersion().String() == u.GetAPIVersion() {
			return r
		}
	}
	return k.versions[0]
}

// substance returns what an object says, without what the cluster notes about
// it.
func substance(u *unstructured.Unstructured) map[string]any {
	out := make(map[string]any, len(u.Object))
	for key, value := range u.Object {
		if key != "status" && key != "metadata" {
			out[key] = value
		}
	}
	metadata := map[string]any{"name": u.GetName(), "namespace": u.GetNamespace()}
	for key, texts := range map[string]map[string]string{"annotations": u.GetAnnotations(), "labels": u.GetLabels()} {
		if len(texts) > 0 {
			metadata[key] = texts
		}
	}
	out["metadata"] = metadata
	return out
}

// awaitCertificates makes ports with TLS mode Automatic use the secret that
// cert-manager fills, as a port does whose document names it.
func (o *object) awaitCertificates() {
	for _, l := range o.set.Listeners {
		for i := range l.Ports {
			p := &l.Ports[i]
			if p.TLS == nil || p.TLS.Mode != resource.Automatic {
				continue
			}
			name := fmt.Sprintf("%s-%d-tls", l.Name, p.Number)
			if c := p.TLS.CertManager; c != nil && c.SecretName != "" {
				name = c.SecretName
			}
			p.TLS = &resource.TLS{Position: p.TLS.Position, Mode: resource.Manual, SecretRef: name}
			o.automatic = append(o.automatic, p.Number)
		}
	}
}

// port returns one port of a listener, or nil.
func (o *object) port(number uint16) *resource.Port {
	if o == nil || o.set == nil {
		return nil
	}
	for _, l := range o.set.Listeners {
		for i := range l.Ports {
			if l.Ports[i].Number == number {
				return &l.Ports[i]
			}
		}
	}
	return nil
}

// references returns the ConfigMaps and Secrets that an object refers to.
func (o *object) references() []identity {
	if o.set == nil {
		return nil
	}
	// The set has this object alone, so everything that it refers to is missing.
	var out []identity
	for _, m := range o.set.Missing() {
		if _, ok := coreKind(m.Kind); ok {
			out = append(out, identity{m.Kind, m.Key})
		}
	}
	return out
}
