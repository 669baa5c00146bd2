package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/iot-operations-sdks/go/protocol/hlc"
	"github.com/Azure/iot-operations-sdks/go/services/leasedlock"
	"github.com/Azure/iot-operations-sdks/go/services/statestore"
)

// Two processes run for leader with the lock of the Azure SDK. When the leader is
// killed, the lease expires and the other leads, with a greater token; what the
// old leader may still have sent is refused. When a leader resigns, the other
// leads at once.
func TestAzureLeaderElection(t *testing.T) {
	t.Parallel()
	f := storeFolder(t)
	serve(t, f)
	observer := f.azure(t, "heater", "observer")

	first := f.campaign(t, "thermostat", "thermostat-1")
	first.expect(t, "found held=false")
	old := token(t, first.expect(t, "elected thermostat-1"))
	is(t, "state", value(t, observer, guardedKey), "thermostat-1")

	second := f.campaign(t, "thermostat", "thermostat-2")
	second.expect(t, "found held=true holder=thermostat-1")
	second.expect(t, "change held=true holder=thermostat-1") // the leader renews
	first.kill()
	second.expect(t, "change held=false")
	current := token(t, second.expect(t, "elected thermostat-2"))
	second.expect(t, "change held=true holder=thermostat-2") // the notice of that, or of a renewal
	if current.Compare(old) <= 0 {
		t.Errorf("token %v follows %v", current, old)
	}
	_, err := observer.Set(t.Context(), guardedKey, "too late", statestore.WithFencingToken(old))
	is(t, "SET with the token of the killed leader", refusal(err),
		"the request fencing token is a lower version than the fencing token protecting the resource")
	is(t, "state", value(t, observer, guardedKey), "thermostat-2")

	third := f.campaign(t, "thermostat", "thermostat-3")
	third.expect(t, "found held=true holder=thermostat-2")
	third.expect(t, "change held=true holder=thermostat-2")
	second.signal(t, syscall.SIGTERM)
	third.expect(t, "elected thermostat-3")
	is(t, "state", value(t, observer, guardedKey), "thermostat-3")
}

func value(t *testing.T, c *azureClient, key string) string {
	t.Helper()
	r, err := c.Get(t.Context(), key)
	must(t, err)
	return r.Value
}

// token reads the token of a term from what a candidate said.
func token(t *testing.T, line string) hlc.HybridLogicalClock {
	t.Helper()
	_, text, _ := strings.Cut(line, "token=")
	parsed, err := hlc.New().Parse("token", text)
	must(t, err)
	return parsed
}

// A lock edits a key under its token, one at a time: no update is lost. The keys
// are allowed by pattern, as they are written, by their bytes, and by a token.
func TestAzureLockEdit(t *testing.T) {
	t.Parallel()
	f := storeFolder(t)
	serve(t, f)
	for _, tt := range []struct{ name, lock, key string }{
		{"pattern", "shared/ab", "shared/a-pattern"},
		{"string", "exact{1}*", "shared/a-string"},
		{"binary", "\x00\xff\x80\x2a", "shared/a-binary"},
		{"token", "group/thermostat_group/lock", "group/thermostat_group/key"},
	} {
		t.Run(tt.name, func(t *testing.T) { editTogether(t, f, tt.name, tt.lock, tt.key) })
	}
	denied := leasedlock.NewLock(f.azure(t, "hygrometer", "hygrometer-1").Client, "group/thermostat_group/lock")
	is(t, "Lock of a key that is not allowed", refusal(denied.Lock(t.Context(), time.Minute)), "not authorized")
}

// editTogether has three clients add their names to a key at the same time.
func editTogether(t *testing.T, f *folder, prefix, lockKey, key string) {
	failed := make(chan error, 3)
	var names []string
	for i := range cap(failed) {
		name := fmt.Sprintf("thermostat-%s-%d", prefix, i)
		names = append(names, name)
		lock := leasedlock.NewLock(f.azure(t, "thermostat", name).Client, lockKey, leasedlock.WithSessionID("s"))
		go func() {
			failed <- lock.Edit(t.Context(), key, time.Minute, func(_ context.Context, value string, _ bool) (string, bool, error) {
				return value + name + " ", true, nil
			}, leasedlock.WithTimeout(patience))
		}()
	}
	for range names {
		must(t, <-failed)
	}
	all := f.azure(t, "heater", "observer-"+prefix)
	got := value(t, all, key)
	for _, name := range names {
		if strings.Count(got, name) != 1 {
			t.Errorf("%q, want %q in it once", got, name)
		}
	}
	_, err := all.Set(t.Context(), key, "unguarded")
	is(t, "SET without a token", refusal(err), "a fencing token is required for this request")
}
