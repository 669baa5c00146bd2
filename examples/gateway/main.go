// Gateway is an MQTT broker for a small device: certificates or passwords, a
// policy, TLS, and one file that configures all of it. It needs no cluster, no
// other program and no C library.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.SetOutput(log)
	file := flags.String("config", "gateway.json", "file that configures the gateway")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	config, err := readConfig(*file)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return err
	}
	return serve(ctx, config, listener, logger)
}

// limits fit a device with some megabytes to spare.
func limits() broker.Limits {
	return broker.Limits{
		Connections: 200, PendingPerSource: 20, PendingBytes: 1 << 20, ConnectPacketSize: 16 << 10,
		PacketSize: 64 << 10, QueueMessages: 1000, QueueBytes: 256 << 10,
		RetainedMessages: 1000, RetainedBytes: 1 << 20, ReceiveMaximum: 16, Subscriptions: 50,
	}
}

// serve runs until the context ends.
func serve(ctx context.Context, c *config, l net.Listener, log *slog.Logger) error {
	port, err := c.port()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := broker.NewServer(broker.Options{Logger: log, Limits: limits()})
	if _, err := server.Listen(l, port); err != nil {
		return errors.Join(err, l.Close())
	}
	log.Info("listening", "address", l.Addr().String())
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(last)
}
