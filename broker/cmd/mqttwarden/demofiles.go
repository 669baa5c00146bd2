package main

import (
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mqttwarden/mqttwarden/examples/tutorial"
	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// demoMark is the file by which demo knows a folder of its own.
const demoMark = ".mqttwarden-demo"

// devices are the clients of the tutorial.
var devices = [...]string{"thermostat", "hygrometer", "heater", "lightbulb"}

// writeDemo makes the folder and everything in it.
func writeDemo(dir string, port uint16) error {
	if err := claim(dir); err != nil {
		return err
	}
	files, err := demoFiles(port)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// claim makes sure that the folder is there and is the demo's own.
func claim(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return err
	}
	mark := filepath.Join(dir, demoMark)
	if _, err := os.Lstat(mark); err == nil {
		return nil
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty and was not made by demo; choose another folder with --dir", dir)
	}
	return os.WriteFile(mark, []byte("This folder was made by mqttwarden demo, which overwrites what is in it.\n"), 0o600)
}

// demoFiles makes certificates and manifests, by file name.
func demoFiles(port uint16) (map[string][]byte, error) {
	files := make(map[string][]byte)
	server, err := demoChain(files, "contoso", "Contoso")
	if err != nil {
		return nil, err
	}
	spec := devca.Spec{Subject: pkix.Name{CommonName: "mqtts-endpoint"}, Hosts: []string{"localhost", "127.0.0.1", "::1"}}
	endpoint, err := demoLeaf(files, server, "mqtts-endpoint", spec)
	if err != nil {
		return nil, err
	}
	clients, err := demoChain(files, "fabrikam", "Fabrikam")
	if err != nil {
		return nil, err
	}
	for _, name := range devices {
		if _, err := demoLeaf(files, clients, name, devca.Named(name)); err != nil {
			return nil, err
		}
	}
	files["fabrikam-ca.yaml"] = configMap("fabrikam-ca", "client_ca.pem", files["fabrikam_root_ca.crt"])
	files["broker-server-cert.yaml"] = tlsSecret("broker-server-cert", endpoint.PEM(), files["mqtts-endpoint.key"])
	return files, addManifests(files, port)
}

// demoChain makes a root and an intermediate authority and returns the latter.
func demoChain(files map[string][]byte, prefix, company string) (*devca.Certificate, error) {
	root, err := devca.Root(devca.Named(company + " Root CA"))
	if err != nil {
		return nil, err
	}
	intermediate, err := root.Intermediate(devca.Named(company + " Intermediate CA 1"))
	if err != nil {
		return nil, err
	}
	files[prefix+"_root_ca.crt"] = root.PEM()
	files[prefix+"_intermediate_ca.crt"] = intermediate.PEM()
	return intermediate, nil
}

func demoLeaf(files map[string][]byte, issuer *devca.Certificate, name string, spec devca.Spec) (*devca.Certificate, error) {
	leaf, err := issuer.Leaf(spec)
	if err != nil {
		return nil, err
	}
	key, err := leaf.KeyPEM()
	if err != nil {
		return nil, err
	}
	files[name+".crt"], files[name+".key"] = leaf.PEM(), key
	return leaf, nil
}

// addManifests adds the tutorial's documents, for another port if wanted.
func addManifests(files map[string][]byte, port uint16) error {
	return fs.WalkDir(tutorial.Manifests, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := tutorial.Manifests.ReadFile(name)
		if err != nil {
			return err
		}
		text := strings.Replace(string(data), "port: 8883", "port: "+strconv.Itoa(int(port)), 1)
		files[name] = []byte(text)
		return nil
	})
}

const demoNamespace = "azure-iot-operations"

func configMap(name, key string, pem []byte) []byte {
	indented := strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n    ")
	return fmt.Appendf(nil, `apiVersion: v1
kind: ConfigMap
metadata:
  name: %s
  namespace: %s
data:
  %s: |
    %s
`, name, demoNamespace, key, indented)
}

func tlsSecret(name string, cert, key []byte) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata:
  name: %s
  namespace: %s
data:
  tls.crt: %s
  tls.key: %s
`, name, demoNamespace, base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key))
}
