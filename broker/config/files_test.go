package config_test

import (
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// files is a folder of documents, by name.
type files map[string]string

func (f files) with(name, text string) files {
	g := maps.Clone(f)
	g[name] = text
	return g
}

func (f files) replace(name, old, with string) files {
	if !strings.Contains(f[name], old) {
		panic("the document has no " + old)
	}
	return f.with(name, strings.Replace(f[name], old, with, 1))
}

func (f files) without(name string) files {
	g := maps.Clone(f)
	delete(g, name)
	return g
}

// compile writes the folder and makes a plan of it. Errors name files without
// their folder.
func compile(t *testing.T, f files) (*config.Plan, error) {
	t.Helper()
	return compileWith(t, f, config.Options{Tokens: tokens})
}

func compileWith(t *testing.T, f files, o config.Options) (*config.Plan, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(f[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := resource.Load(dir)
	if err == nil {
		var plan *config.Plan
		plan, err = config.Compile(set, o)
		if err == nil {
			for i, w := range plan.Warnings {
				plan.Warnings[i] = strings.ReplaceAll(w, dir+"/", "")
			}
			return plan, nil
		}
	}
	return nil, errors.New(strings.ReplaceAll(err.Error(), dir+"/", ""))
}

// pki is what the documents need of certificates.
type pki struct {
	serverCA, clientCA *devca.Certificate
	server, client     *devca.Certificate
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	must := func(c *devca.Certificate, err error) *devca.Certificate {
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	p := new(pki)
	p.serverCA = must(devca.Root(devca.Named("Contoso Root CA")))
	p.server = must(p.serverCA.Leaf(devca.Spec{Subject: pkix.Name{CommonName: "server"}, Hosts: []string{"127.0.0.1"}}))
	p.clientCA = must(devca.Root(devca.Named("Fabrikam Root CA")))
	p.client = must(p.clientCA.Leaf(devca.Named("thermostat")))
	return p
}

func configMap(name string, pem []byte) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  ca.pem: |\n    %s\n",
		name, strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n    "))
}

func secret(t *testing.T, name string, c *devca.Certificate) string {
	t.Helper()
	key, err := c.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata:\n  name: %s\ndata:\n  tls.crt: %s\n  tls.key: %s\n", name, enc(c.PEM()), enc(key))
}

const listenerYAML = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: listener
spec:
  ports:
    - port: 8883
      authenticationRef: authn
      authorizationRef: authz
      tls:
        mode: Manual
        manual:
          secretRef: server-cert
`

const authenticationYAML = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata:
  name: authn
spec:
  authenticationMethods:
    - method: X509
      x509Settings:
        authorizationAttributes:
          device:
            subject: CN = thermostat
            attributes:
              group: thermostats
`

const authorizationYAML = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthorization
metadata:
  name: authz
spec:
  authorizationPolicies:
    rules:
      - principals:
          attributes:
            - group: thermostats
        brokerResources:
          - method: Connect
          - method: Publish
            topics:
              - telemetry/temperature
`

func documents(t *testing.T, p *pki) files {
	t.Helper()
	return files{
		"listener.yaml":       listenerYAML,
		"authentication.yaml": authenticationYAML,
		"authorization.yaml":  authorizationYAML,
		"ca.yaml":             configMap("client-ca", p.clientCA.PEM()),
		"server.yaml":         secret(t, "server-cert", p.server),
	}
}
