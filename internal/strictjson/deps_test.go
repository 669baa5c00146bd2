package strictjson_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// Whatever checks a token links this package: it stays small, and nothing
// outside the standard library is wanted here.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Forbidden: map[string]string{
			"encoding/json": "reflection on every type that is linked",
			"fmt":           "reflection on every type that is linked",
		},
	})
}
