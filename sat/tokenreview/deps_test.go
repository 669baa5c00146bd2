package tokenreview_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// Of client-go there is what makes connections and watches. The typed clients
// register every kind of Kubernetes, which is 16 MB more of a program.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"...": "a leaf; it carries the weight of client-go for all others",
		},
		Forbidden: map[string]string{
			"k8s.io/api/...":                              "the types of the typed clients are too heavy",
			"k8s.io/client-go/kubernetes/...":             "typed clients are too heavy",
			"github.com/mqttwarden/mqttwarden/broker/...": "the package is for any broker",
		},
	})
}
