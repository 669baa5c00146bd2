package e2e_test

import (
	"crypto"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// devices are the clients of the tutorial.
var devices = []string{"thermostat", "hygrometer", "heater", "lightbulb"}

// extensions are those that step gives to its profiles.
const extensions = `
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${ENV::SAN}
`

// makePKI makes the tutorial's certificates with openssl, by the tutorial's
// file names.
func makePKI(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "openssl.cnf"), []byte(extensions), 0o600); err != nil {
		return err
	}
	for _, c := range []struct{ prefix, company string }{{"contoso", "Contoso"}, {"fabrikam", "Fabrikam"}} {
		root, intermediate := c.prefix+"_root_ca", c.prefix+"_intermediate_ca"
		if err := certify(dir, root, c.company+" Root CA", "root", "", ""); err != nil {
			return err
		}
		if err := certify(dir, intermediate, c.company+" Intermediate CA 1", "intermediate", root, ""); err != nil {
			return err
		}
	}
	if err := certify(dir, "mqtts-endpoint", "mqtts-endpoint", "leaf", "contoso_intermediate_ca", "DNS:localhost,IP:127.0.0.1"); err != nil {
		return err
	}
	for _, d := range devices {
		if err := certify(dir, d, d, "leaf", "fabrikam_intermediate_ca", "DNS:"+d); err != nil {
			return err
		}
	}
	return nil
}

// certify makes name.key and name.crt; a leaf's is bundled with its issuer's.
func certify(dir, name, cn, profile, issuer, san string) error {
	err := openssl(dir, san, "req", "-new", "-config", "openssl.cnf", "-subj", "/CN="+cn, "-nodes",
		"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", name+".key", "-out", name+".csr")
	if err != nil {
		return err
	}
	signer := []string{"-signkey", name + ".key"}
	if issuer != "" {
		signer = []string{"-CA", issuer + ".crt", "-CAkey", issuer + ".key", "-CAcreateserial"}
	}
	args := []string{
		"x509", "-req", "-in", name + ".csr", "-out", name + ".crt", "-days", "100", "-sha256",
		"-extfile", "openssl.cnf", "-extensions", profile,
	}
	if err := openssl(dir, san, append(args, signer...)...); err != nil {
		return err
	}
	if profile != "leaf" {
		return nil
	}
	above, err := os.ReadFile(filepath.Join(dir, issuer+".crt"))
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(filepath.Join(dir, name+".crt"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".crt"), append(leaf, above...), 0o600)
}

func openssl(dir, san string, args ...string) error {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	if san == "" {
		san = "DNS:unused"
	}
	cmd.Env = append(os.Environ(), "SAN="+san)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("e2e: %v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// pkiFile returns one of the files that openssl made.
func pkiFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(pkiDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fabrikam returns the intermediate authority of the devices, for certificates
// that openssl does not make willingly.
func fabrikam(t *testing.T) *devca.Certificate {
	t.Helper()
	var above *devca.Certificate
	for _, name := range []string{"fabrikam_root_ca", "fabrikam_intermediate_ca"} {
		pair, err := tls.X509KeyPair(pkiFile(t, name+".crt"), pkiFile(t, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		above = &devca.Certificate{Cert: pair.Leaf, Key: pair.PrivateKey.(crypto.Signer), Issuer: above}
	}
	return above
}
