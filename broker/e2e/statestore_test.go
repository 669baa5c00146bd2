package e2e_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/iot-operations-sdks/go/protocol/hlc"
	"github.com/Azure/iot-operations-sdks/go/services/statestore"
)

type notify = statestore.Notify[string, string]

// set sets a key, which must succeed, and returns the version.
func (c *azureClient) set(t *testing.T, key, value string, options ...statestore.SetOption) hlc.HybridLogicalClock {
	t.Helper()
	r, err := c.Set(t.Context(), key, value, options...)
	if err != nil || !r.Value || r.Version.IsZero() {
		t.Fatalf("SET %.40q: %+v, %v", key, r, err)
	}
	return r.Version
}

// holds fails unless a key has this value and version.
func (c *azureClient) holds(t *testing.T, key, value string, version hlc.HybridLogicalClock) {
	t.Helper()
	r, err := c.Get(t.Context(), key)
	if err != nil || r.Value != value || r.Version.Compare(version) != 0 {
		t.Fatalf("GET %.40q: %+v, %v, want %.40q of %v", key, r, err, value, version)
	}
}

// lacks fails unless a key is absent.
func (c *azureClient) lacks(t *testing.T, key string) {
	t.Helper()
	c.holds(t, key, "", hlc.HybridLogicalClock{})
}

// expectNotify waits for one notification.
func expectNotify(t *testing.T, from <-chan notify, operation, value string) notify {
	t.Helper()
	select {
	case n := <-from:
		if n.Operation != operation || n.Value != value || n.Version.IsZero() && operation == "SET" {
			t.Fatalf("notification %+v, want %s %.40q", n, operation, value)
		}
		return n
	case <-time.After(patience):
		t.Fatalf("no notification %s %.40q", operation, value)
		return notify{}
	}
}

// The state store client of the Azure SDK, every verb with every option
// (STORE-1), under a policy.
func TestAzureStateStore(t *testing.T) {
	t.Parallel()
	f := storeFolder(t)
	serve(t, f)
	c := f.azure(t, "thermostat", "thermostat-1")
	for _, tt := range []struct {
		name string
		test func(*testing.T, *azureClient)
	}{
		{"versions", testVersions},
		{"conditions", testConditions},
		{"VDEL", testVDel},
		{"sizes", testSizes},
		{"fencing", testFencing},
		{"parallel", testParallel},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, c) })
	}
}

// A version is greater than the one before, and that of a GET is that of its SET.
func testVersions(t *testing.T, c *azureClient) {
	const key = "own/thermostat-1/versions"
	c.lacks(t, key)
	first := c.set(t, key, "one")
	c.holds(t, key, "one", first)
	second := c.set(t, key, "", statestore.WithTimeout(10*time.Second), statestore.WithPersist(true))
	if second.Compare(first) <= 0 {
		t.Errorf("version %v follows %v", second, first)
	}
	c.holds(t, key, "", second)
	for _, want := range []int{1, 0} {
		r, err := c.Del(t.Context(), key)
		if err != nil || r.Value != want {
			t.Errorf("DEL: %+v, %v, want %d", r, err, want)
		}
	}
	c.lacks(t, key)
}

func testConditions(t *testing.T, c *azureClient) {
	const key = "own/thermostat-1/conditions"
	first := c.set(t, key, "one", statestore.NotExists)
	for _, condition := range []statestore.Condition{statestore.NotExists, statestore.NotExistsOrEqual} {
		r, err := c.Set(t.Context(), key, "two", condition)
		if err != nil || r.Value || r.Version.Compare(first) != 0 {
			t.Errorf("SET %s of another value: %+v, %v", condition, r, err)
		}
	}
	c.holds(t, key, "one", first)
	second := c.set(t, key, "one", statestore.NotExistsOrEqual, statestore.WithExpiry(time.Hour))
	if second.Compare(first) <= 0 {
		t.Errorf("NEX of the same value: version %v follows %v", second, first)
	}
	c.set(t, key, "three", statestore.Always)
}

func testVDel(t *testing.T, c *azureClient) {
	const key = "own/thermostat-1/vdel"
	version := c.set(t, key, "one")
	for _, tt := range []struct {
		value string
		want  int
	}{{"two", -1}, {"one", 1}, {"one", 0}} {
		if tt.want == -1 {
			c.holds(t, key, "one", version)
		}
		r, err := c.VDel(t.Context(), key, tt.value)
		if err != nil || r.Value != tt.want {
			t.Errorf("VDEL %q: %+v, %v, want %d", tt.value, r, err, tt.want)
		}
	}
}

// The sizes of the SDK's own tests: a key of 6,500 bytes and a value of 65,000.
// Keys and values are bytes.
func testSizes(t *testing.T, c *azureClient) {
	key := "own/thermostat-1/" + strings.Repeat("k", 6500)
	value := strings.Repeat("\x00\xff\r\n", 65000/4)
	c.holds(t, key, value, c.set(t, key, value))
	c.holds(t, key, "", c.set(t, key, ""))
}

// A token protects a key against older ones, and against none.
func testFencing(t *testing.T, c *azureClient) {
	const key, lock = "own/thermostat-1/fenced", "own/thermostat-1/lock"
	older := statestore.WithFencingToken(c.set(t, lock, "a"))
	newer := statestore.WithFencingToken(c.set(t, lock, "b"))
	version := c.set(t, key, "one", newer)
	const required = "a fencing token is required for this request"
	const lower = "the request fencing token is a lower version than the fencing token protecting the resource"
	_, err := c.Set(t.Context(), key, "two")
	is(t, "SET without a token", refusal(err), required)
	_, err = c.Set(t.Context(), key, "two", older)
	is(t, "SET with an older token", refusal(err), lower)
	_, err = c.Del(t.Context(), key)
	is(t, "DEL without a token", refusal(err), required)
	_, err = c.VDel(t.Context(), key, "one", older)
	is(t, "VDEL with an older token", refusal(err), lower)
	c.holds(t, key, "one", version)
	r, err := c.VDel(t.Context(), key, "one", newer)
	if err != nil || r.Value != 1 {
		t.Errorf("VDEL with the token: %+v, %v", r, err)
	}
	c.set(t, key, "free")
}

func is(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Many requests at once are each answered with their own reply.
func testParallel(t *testing.T, c *azureClient) {
	var wg sync.WaitGroup
	for _, name := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		wg.Go(func() {
			key := "own/thermostat-1/parallel/" + name
			for range 10 {
				r, err := c.Set(t.Context(), key, name)
				if err != nil || !r.Value {
					t.Errorf("SET: %+v, %v", r, err)
				}
				if g, err := c.Get(t.Context(), key); err != nil || g.Value != name {
					t.Errorf("GET: %+v, %v, want %q", g, err, name)
				}
			}
		})
	}
	wg.Wait()
}

// Keys are allowed by pattern, as they are written, and by their bytes; tokens
// take the values of the client (STORE-2, STORE-3, STORE-4).
func TestAzureStateStoreKeys(t *testing.T) {
	t.Parallel()
	f := storeFolder(t)
	p := serve(t, f)
	thermostat := f.azure(t, "thermostat", "thermostat-1")
	hygrometer := f.azure(t, "hygrometer", "hygrometer-1")
	for _, tt := range []struct {
		key   string
		c     *azureClient
		read  bool
		write bool
	}{
		{"own/thermostat-1/a", thermostat, true, true},
		{"own/thermostat-1/a/b", thermostat, true, true},
		{"own/thermostat-1", thermostat, false, false},
		{"own/thermostat-1/a", hygrometer, false, false},
		{"own/thermostat-2/a", thermostat, false, false},
		{"own/{principal.clientId}/a", thermostat, false, false},
		{"group/thermostat_group/a", thermostat, true, true},
		{"group/thermostat_group/a", hygrometer, false, false},
		{"group/hygrometer_group/a", hygrometer, true, true},
		{"shared/ab", thermostat, true, true},
		{"shared/a", thermostat, false, false},
		{"shared/xb", thermostat, false, false},
		{"exact{1}*", thermostat, true, true},
		{"exact{1}**", thermostat, false, false},
		{"exact1", thermostat, false, false},
		{"\x00\xff\x80\x2a", hygrometer, true, true},
		{"\x00\xff\x80\x2b", hygrometer, false, false},
		{"\x00\xff\x80", hygrometer, false, false},
		{"readonly/a", hygrometer, true, false},
		{"writeonly/a", hygrometer, false, true},
	} {
		rights(t, tt.c, tt.key, tt.read, tt.write)
	}
	p.expect(t, "state store read denied", "client_id=hygrometer-1", "key=own/thermostat-1/a")
}

// rights asks for every verb on a key.
func rights(t *testing.T, c *azureClient, key string, read, write bool) {
	t.Helper()
	want := map[bool]string{true: "", false: "not authorized"}
	ctx := t.Context()
	_, err := c.Set(ctx, key, "x")
	is(t, c.ID()+" SET "+key, refusal(err), want[write])
	_, err = c.Get(ctx, key)
	is(t, c.ID()+" GET "+key, refusal(err), want[read])
	err = c.KeyNotify(ctx, key)
	is(t, c.ID()+" KEYNOTIFY "+key, refusal(err), want[read])
	_, err = c.VDel(ctx, key, "x")
	is(t, c.ID()+" VDEL "+key, refusal(err), want[write])
	_, err = c.Del(ctx, key)
	is(t, c.ID()+" DEL "+key, refusal(err), want[write])
}

// A notification comes once for each change, expiry included, to who asked for it
// and as long as it did.
func TestAzureStateStoreNotifications(t *testing.T) {
	t.Parallel()
	f := storeFolder(t)
	serve(t, f)
	c := f.azure(t, "thermostat", "thermostat-1", statestore.WithConcurrency(1))
	other := f.azure(t, "thermostat", "thermostat-2")
	all := f.azure(t, "heater", "everything")
	const key = "shared/abc"
	notifications, done := c.Notify(key)
	defer done()
	must(t, c.KeyNotify(t.Context(), key))
	must(t, c.KeyNotify(t.Context(), key)) // counted by the client: one STOP is not enough

	version := other.set(t, key, "one")
	if n := expectNotify(t, notifications, "SET", "one"); n.Version.Compare(version) != 0 || n.Key != key {
		t.Errorf("notification %+v of version %v", n, version)
	}
	_, err := other.Set(t.Context(), key, "two", statestore.NotExists)
	must(t, err)
	all.set(t, key, "three", statestore.WithExpiry(50*time.Millisecond))
	expectNotify(t, notifications, "SET", "three")
	expired := expectNotify(t, notifications, "DELETE", "")
	c.lacks(t, key)
	version = c.set(t, key, "four") // its own change
	expectNotify(t, notifications, "SET", "four")
	if expired.Version.Compare(version) >= 0 {
		t.Errorf("the version of the expiry %v is not before %v", expired.Version, version)
	}
	_, err = other.VDel(t.Context(), key, "four")
	must(t, err)
	expectNotify(t, notifications, "DELETE", "")

	must(t, c.KeyNotifyStop(t.Context(), key))
	other.set(t, key, "five")
	expectNotify(t, notifications, "SET", "five")
	must(t, c.KeyNotifyStop(t.Context(), key))
	other.set(t, key, "six")
	c.set(t, key, "seven") // its reply comes behind what would have come
	select {
	case n := <-notifications:
		t.Errorf("notification behind the last STOP: %+v", n)
	default:
	}
}

// A client whose connection breaks resumes its session. Its library registers
// again and tells what is so now; nothing was kept for it.
func TestAzureStateStoreReconnect(t *testing.T) {
	t.Parallel()
	f := storeFolder(t)
	serve(t, f)
	c := f.azure(t, "thermostat", "thermostat-1")
	other := f.azure(t, "thermostat", "thermostat-2")
	const key = "shared/abc"
	must(t, c.KeyNotify(t.Context(), key))
	notifications, done := c.Notify(key)
	defer done()
	other.set(t, key, "before")
	expectNotify(t, notifications, "SET", "before")

	c.cut()
	other.set(t, key, "missed")
	other.set(t, key, "last")
	answered := make(chan error, 1)
	go func() { // is sent when there is a connection again
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := c.Get(ctx, "own/thermostat-1/a", statestore.WithTimeout(patience))
		answered <- err
	}()
	c.mend()
	awaitNotify(t, notifications, "last", "before", "missed")
	must(t, <-answered)
	other.set(t, key, "after")
	awaitNotify(t, notifications, "after", "last")
}

// awaitNotify waits for a notification of a value. What was sent and not
// acknowledged when the connection broke comes again before it: QoS 1.
func awaitNotify(t *testing.T, from <-chan notify, value string, again ...string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case n := <-from:
			if n.Operation == "SET" && n.Value == value {
				return
			}
			if !slices.Contains(again, n.Value) {
				t.Fatalf("notification %+v, want %q", n, value)
			}
		case <-late:
			t.Fatalf("no notification of %q", value)
		}
	}
}
