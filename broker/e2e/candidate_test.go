package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/iot-operations-sdks/go/mqtt"
	"github.com/Azure/iot-operations-sdks/go/protocol"
	"github.com/Azure/iot-operations-sdks/go/services/leasedlock"
	"github.com/Azure/iot-operations-sdks/go/services/statestore"
)

// candidateArg makes the test binary a candidate, a program of its own that can
// be killed.
const candidateArg = "candidate"

const (
	leaseKey   = "group/thermostat_group/leader"
	guardedKey = "group/thermostat_group/state"
	leaseTime  = 2 * time.Second
)

// candidate runs for leader with the lock of the Azure SDK: it waits for the
// lock, renews it, and writes its name under the token of its term.
func candidate() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	session, err := mqtt.NewSessionClientFromEnv(mqtt.WithLogger(slog.New(slog.NewTextHandler(os.Stdout, nil))))
	if err != nil {
		return err
	}
	app, err := protocol.NewApplication()
	if err != nil {
		return err
	}
	client, err := statestore.New[string, string](app, session)
	if err != nil {
		return err
	}
	if err := session.Start(); err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	lock := leasedlock.NewLock(client, leaseKey)
	if err := watchLeader(ctx, lock); err != nil {
		return err
	}
	if err := lock.Lock(ctx, leaseTime, leasedlock.WithRenew(leaseTime/4)); err != nil {
		return err
	}
	token, err := lock.Token(ctx)
	if err != nil {
		return err
	}
	r, err := client.Set(ctx, guardedKey, session.ID(), statestore.WithFencingToken(token))
	if err != nil || !r.Value {
		return fmt.Errorf("leader cannot write: %v, %w", r, err)
	}
	fmt.Printf("elected %s token=%v\n", session.ID(), token)
	<-ctx.Done()
	return lock.Unlock(context.Background())
}

// watchLeader tells who leads, now and whenever that changes.
func watchLeader(ctx context.Context, lock leasedlock.Lock[string, string]) error {
	changes, _ := lock.Observe()
	go func() {
		for c := range changes {
			fmt.Printf("change held=%v holder=%s\n", c.Held, c.Holder)
		}
	}()
	if err := lock.ObserveStart(ctx); err != nil {
		return err
	}
	holder, held, err := lock.Holder(ctx)
	fmt.Printf("found held=%v holder=%s\n", held, holder)
	return err
}

// campaign starts a candidate in a process of its own.
func (f *folder) campaign(t *testing.T, device, clientID string) *process {
	t.Helper()
	return start(
		t, t.TempDir(), "env",
		"AIO_BROKER_HOSTNAME=localhost", "AIO_BROKER_TCP_PORT="+strconv.Itoa(f.port),
		"AIO_TLS_CERT_FILE="+pkiPath(device+".crt"), "AIO_TLS_KEY_FILE="+pkiPath(device+".key"),
		"AIO_TLS_CA_FILE="+pkiPath("contoso_root_ca.crt"), "AIO_MQTT_CLIENT_ID="+clientID,
		os.Args[0], candidateArg,
	)
}
