// Package program is what the brokers that package load builds have in common:
// flags, files of a TLS port, and the end.
package program

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// Options says what to serve.
type Options struct {
	Listen string // host:port
	Rules  int    // of the authorization policy; 0: everything is allowed
	Store  string // folder for what the broker writes

	WebSocket bool // MQTT is spoken on WebSockets (subprotocol mqtt)

	ca, cert, key string
	cpu, heap     string
}

// Main runs a broker: start begins to serve and returns what to close when the
// program is told to end.
func Main(start func(Options) (io.Closer, error)) {
	var o Options
	flag.StringVar(&o.Listen, "listen", "", "host:port to listen on")
	flag.IntVar(&o.Rules, "rules", 0, "number of authorization rules; 0 allows everything")
	flag.StringVar(&o.Store, "store", "", "folder for data")
	flag.BoolVar(&o.WebSocket, "websocket", false, "make it a WebSocket port")
	flag.StringVar(&o.ca, "ca", "", "PEM file of the authority of clients; makes it a TLS port")
	flag.StringVar(&o.cert, "cert", "", "PEM file of the server's certificate")
	flag.StringVar(&o.key, "key", "", "PEM file of the server's key")
	flag.StringVar(&o.cpu, "cpuprofile", "", "file to write a CPU profile to")
	flag.StringVar(&o.heap, "heapprofile", "", "file to write a heap profile to at the end")
	flag.Parse()
	if err := run(o, start); err != nil {
		log.Fatal(err)
	}
}

func run(o Options, start func(Options) (io.Closer, error)) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	if o.cpu != "" {
		f, err := os.Create(o.cpu)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	server, err := start(o)
	if err != nil {
		return err
	}
	<-stop
	if err := o.writeHeap(); err != nil {
		return err
	}
	return server.Close()
}

func (o Options) writeHeap() error {
	if o.heap == "" {
		return nil
	}
	f, err := os.Create(o.heap)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// TLS returns the server's certificate and the authority of the clients, or
// nil for a plain port.
func (o Options) TLS() (*tls.Config, *x509.Certificate, error) {
	if o.ca == "" {
		return nil, nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(o.ca)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, fmt.Errorf("no certificate in %s", o.ca)
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS12,
	}, root, nil
}
