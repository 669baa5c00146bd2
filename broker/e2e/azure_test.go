package e2e_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/iot-operations-sdks/go/mqtt"
	"github.com/Azure/iot-operations-sdks/go/protocol"
	"github.com/Azure/iot-operations-sdks/go/services/statestore"
)

// storePolicy is what the state store's clients may do: a device connects with
// client IDs that begin with its name. Response topics hold the client ID in
// hexadecimal, which no token says; a reply goes to nobody but who asked
// (STORE-6).
const storePolicy = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthorization
metadata:
  name: abac-authz
  namespace: azure-iot-operations
spec:
  authorizationPolicies:
    rules:
      - principals:
          usernames: [thermostat, hygrometer]
        brokerResources:
          - method: Connect
            clientIds: ["{principal.username}-*"]
          - method: Publish
            topics: [statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke]
          - method: Subscribe
            topics: [clients/+/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke/response]
        stateStoreResources:
          - method: ReadWrite
            keyType: Pattern
            keys:
              - own/{principal.clientId}/*
              - group/{principal.attributes.group}/*
              - shared/[a-f]?*
          - method: ReadWrite
            keyType: String
            keys: ["exact{1}*"]
          - method: ReadWrite
            keyType: Binary
            keys: ["AP+AKg=="]
          - method: Read
            keyType: Pattern
            keys: ["readonly/*"]
          - method: Write
            keyType: Pattern
            keys: ["writeonly/*"]
      - principals:
          usernames: [heater]
        brokerResources:
          - method: Connect
          - method: Publish
            topics: ["#"]
          - method: Subscribe
            topics: ["#"]
        stateStoreResources:
          - method: ReadWrite
            keys: ["*"]
`

// storeFolder is a folder with documents for clients of the state store.
func storeFolder(t *testing.T) *folder {
	t.Helper()
	f := tutorialFolder(t)
	f.write(t, "authorization.yaml", storePolicy)
	return f
}

// azureClient is a state store client of the Azure IoT Operations SDK, on an
// MQTT session of its own that reconnects.
type azureClient struct {
	*statestore.Client[string, string]
	app     *protocol.Application
	session *mqtt.SessionClient

	mu   sync.Mutex
	conn net.Conn
	dark bool // no connection can be made
}

// azure returns a client of a device that is ready.
func (f *folder) azure(t *testing.T, device, clientID string, options ...statestore.ClientOption) *azureClient {
	t.Helper()
	c := &azureClient{}
	connect := mqtt.TLSConnection(
		"localhost", uint16(f.port),
		mqtt.WithX509(pkiPath(device+".crt"), pkiPath(device+".key")),
		mqtt.WithCA(pkiPath("contoso_root_ca.crt")),
	)
	var err error
	c.session, err = mqtt.NewSessionClient(clientID, func(ctx context.Context) (net.Conn, error) {
		return c.dial(ctx, connect)
	})
	must(t, err)
	c.app, err = protocol.NewApplication()
	must(t, err)
	c.Client, err = statestore.New[string, string](c.app, c.session, options...)
	must(t, err)
	must(t, c.session.Start())
	t.Cleanup(func() {
		c.Close()
		_ = c.session.Stop()
	})
	must(t, c.Start(t.Context()))
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func pkiPath(name string) string { return filepath.Join(pkiDir(), name) }

// dial makes a connection, and remembers it.
func (c *azureClient) dial(ctx context.Context, connect mqtt.ConnectionProvider) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dark {
		return nil, net.ErrClosed
	}
	conn, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	c.conn = conn
	return conn, nil
}

// cut breaks the connection; there is no other until mend.
func (c *azureClient) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dark = true
	_ = c.conn.Close()
}

func (c *azureClient) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dark = false
}

// refusal returns the text of the error reply.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	_, text, _ := strings.Cut(err.Error(), ": ")
	return text
}
