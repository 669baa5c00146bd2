package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// workshop is a folder with the programs and the certificates of a run.
type workshop struct {
	folder   string
	profiles string // folder for profiles of ours; "": none
	scenario string // that is being measured
	client   *tls.Config
}

func (w *workshop) file(name string) string { return filepath.Join(w.folder, name) }

// certify makes the certificates of brokers and clients, all P-256.
func (w *workshop) certify() error {
	root, err := devca.Root(devca.Named("load root"))
	if err != nil {
		return err
	}
	server, err := root.Leaf(devca.Spec{Subject: devca.Named("server").Subject, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	key, err := server.KeyPEM()
	if err != nil {
		return err
	}
	files := map[string][]byte{"ca.pem": root.PEM(), "server.pem": server.PEM(), "server.key": key}
	for name, text := range files {
		if err := os.WriteFile(w.file(name), text, 0o600); err != nil {
			return err
		}
	}
	client, err := root.Leaf(devca.Named("client"))
	if err != nil {
		return err
	}
	w.client = &tls.Config{
		Certificates:       []tls.Certificate{client.TLS()},
		InsecureSkipVerify: true, //nolint:gosec // our own broker on this machine; the time is for measuring it
	}
	return nil
}

// moreFiles raises the limit of open files as far as it goes, for this program
// and the brokers.
func moreFiles() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}
