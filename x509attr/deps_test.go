package x509attr_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package is for anyone with a verified chain: it links the standard
// library only, and of it no network protocol. The path of a match has no
// reflection.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Forbidden: map[string]string{
			"net/http":   "matching needs no connection",
			"crypto/tls": "matching needs no connection",
		},
	})
	deptest.Imports(t, deptest.Rules{
		Forbidden: map[string]string{
			"reflect":       "subjects are read without reflection",
			"encoding/asn1": "subjects are read strictly, and without reflection",
		},
	})
}
