// Authserver is a custom authentication server for MQTT brokers, as a start for
// one of your own: put your rules in the place of those in rules.go, which let
// nearly everybody in.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "authserver:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	listen, cert, key, clientCA string
}

func run(ctx context.Context, args []string, log io.Writer) error {
	var o options
	flags := flag.NewFlagSet("authserver", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.listen, "listen", ":8443", "address to serve")
	flags.StringVar(&o.cert, "cert", "server.crt", "certificate chain in PEM, leaf first; read again for every connection")
	flags.StringVar(&o.key, "key", "server.key", "private key in PEM")
	flags.StringVar(&o.clientCA, "client-ca", "", "require a certificate of the broker, issued by one of these")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	config, err := o.tls()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	logger.Warn("serving the sample's rules, which let nearly everybody in", "address", listener.Addr().String())
	return serve(ctx, newServer(&customauth.Handler{Authenticator: sample{}, Logger: logger}, logger), tls.NewListener(listener, config))
}

// tls returns the server's side of TLS.
func (o options) tls() (*tls.Config, error) {
	if _, err := tls.LoadX509KeyPair(o.cert, o.key); err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(o.cert, o.key) // connections are kept, so this is rare
			return &pair, err
		},
	}
	if o.clientCA == "" {
		return config, nil
	}
	text, err := os.ReadFile(o.clientCA)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", o.clientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

// newServer returns a server whose clients cannot hold on to it.
func newServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than brokers keep connections
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelInfo),
	}
}

// serve runs until the context ends, and lets requests under way finish.
func serve(ctx context.Context, s *http.Server, l net.Listener) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- s.Shutdown(ctx)
	})
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}
