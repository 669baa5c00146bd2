package kube_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package is a leaf: it may link client-go, but not all that there is of it,
// and no framework on top.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"...": "a leaf; it carries the weight of client-go for all others",
		},
		Forbidden: map[string]string{
			"k8s.io/api/...":                     "the types of all of Kubernetes are some 10 MB of a program; objects are decoded by broker/resource",
			"k8s.io/client-go/kubernetes/...":    "the typed clients bring those types",
			"k8s.io/client-go/informers/...":     "they bring those types, too",
			"k8s.io/apiextensions-apiserver/...": "definitions are applied by people",
			"sigs.k8s.io/controller-runtime/...": "its cache follows kinds, and must not follow all Secrets",
		},
	})
}
