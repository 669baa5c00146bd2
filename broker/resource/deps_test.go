package resource_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package is a reader of documents: whoever checks files, in a linter or an
// admission hook, links no server.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"...": "the libraries that read documents",
		},
		Forbidden: map[string]string{
			"net/http":   "reading documents needs no network",
			"crypto/tls": "certificates are read by broker/config",
			"k8s.io/...": "documents are read without a cluster; broker/kube is for clusters",
			"github.com/mqttwarden/mqttwarden/broker":   "the broker is built from a set, not the other way round",
			"github.com/mqttwarden/mqttwarden/mqttauth": "a set names methods, it does not make them",
		},
	})
}
