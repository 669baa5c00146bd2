package kubetest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

func (c *Cluster) path(name string) string { return filepath.Join(c.folder, name) }

// writeFiles makes the keys and certificates that the server needs, and the
// list of users that it knows without a store.
func (c *Cluster) writeFiles() error {
	ca, err := devca.Root(devca.Named("kubetest"))
	if err != nil {
		return err
	}
	spec := devca.Named("kube-apiserver")
	spec.Hosts = []string{"127.0.0.1", "localhost"}
	server, err := ca.Leaf(spec)
	if err != nil {
		return err
	}
	serverKey, err := server.KeyPEM()
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	if c.signer, err = newSigner(key); err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	users := c.adminToken + ",admin,1,system:masters\n" + c.StaticToken + "," + StaticUser + ",2\n"
	for name, text := range map[string][]byte{
		"ca.crt": ca.PEM(), "server.crt": server.PEM(), "server.key": serverKey,
		"accounts.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		"users.csv":    []byte(users),
	} {
		if err := os.WriteFile(c.path(name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// storeFlags make etcd listen on nothing but a socket in our folder. The other
// addresses are names that it wants to have; nobody uses them.
func (c *Cluster) storeFlags() []string {
	const nowhere = "http://localhost:1"
	return []string{
		"--name=store",
		"--data-dir=" + c.path("store"),
		"--listen-client-urls=unix://" + c.path("store.sock"),
		"--advertise-client-urls=" + nowhere,
		"--listen-peer-urls=unix://" + c.path("peers.sock"),
		"--initial-advertise-peer-urls=" + nowhere,
		"--initial-cluster=store=" + nowhere,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func (c *Cluster) serverFlags() []string {
	return []string{
		"--etcd-servers=unix://" + c.path("store.sock"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(c.port.number),
		"--permit-port-sharing",
		"--tls-cert-file=" + c.path("server.crt"),
		"--tls-private-key-file=" + c.path("server.key"),
		"--token-auth-file=" + c.path("users.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=" + Issuer,
		"--service-account-key-file=" + c.path("accounts.key"),
		"--service-account-signing-key-file=" + c.path("accounts.key"),
		"--service-account-jwks-uri=" + c.URL + "/openid/v1/jwks", // or it looks for an outward address
		"--service-cluster-ip-range=10.0.0.0/24",
		"--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount", // no controller makes the accounts that pods would need
	}
}
