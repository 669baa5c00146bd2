// Command mqttwarden serves package broker on one port, for measurements.
package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/load/internal/program"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

func main() { program.Main(start) }

// server ends within a second.
type server struct{ *broker.Server }

func (s server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.Shutdown(ctx) // clients that are still there are cut
	return nil
}

func start(o program.Options) (io.Closer, error) {
	port := broker.Port{Name: "load", Access: broker.Access{
		Authentication: mqttauth.AllowAnonymous(),
		Authorization:  mqttauthz.AllowAll(),
	}}
	if o.WebSocket {
		port.Upgrade = new(websocket.Upgrader).Upgrade
	}
	if err := secure(&port, o); err != nil {
		return nil, err
	}
	if err := restrict(&port, o.Rules); err != nil {
		return nil, err
	}
	listen := net.ListenConfig{KeepAlive: -1} // as the program listens
	l, err := listen.Listen(context.Background(), "tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	// All clients come from one machine with one certificate.
	s := broker.NewServer(broker.Options{Limits: broker.Limits{SessionsPerIdentity: 10_000}})
	_, err = s.Listen(l, port)
	return server{s}, err
}

// secure makes it a TLS port, if it is to be one, that authenticates clients by
// their certificates.
func secure(p *broker.Port, o program.Options) error {
	config, root, err := o.TLS()
	if config == nil {
		return err
	}
	trust, err := clientcert.NewTrust(clientcert.Anchors{Certificates: []*x509.Certificate{root}})
	if err != nil {
		return err
	}
	p.Authentication, err = clientcert.New(clientcert.Config{Trust: trust})
	config.ClientCAs, config.ClientAuth = nil, 0 // Trust's to say
	p.TLS = trust.Config(config)
	return err
}

// restrict puts a policy in force that is about one user, which every client
// is: all of its rules count for each of them, and the last one is what allows
// the measured topics.
func restrict(p *broker.Port, rules int) error {
	if rules == 0 {
		return nil
	}
	all := make([]mqttauthz.Rule, rules)
	for i := range all {
		topics := []string{fmt.Sprintf("site/%d/{principal.username}/+", i)}
		if i == rules-1 {
			topics = []string{"load/#"}
		}
		all[i] = mqttauthz.Rule{
			Principals: mqttauthz.Principals{Usernames: []string{username}},
			BrokerResources: []mqttauthz.BrokerResource{
				{Method: mqttauthz.Connect},
				{Method: mqttauthz.Publish, Topics: topics},
				{Method: mqttauthz.Subscribe, Topics: topics},
			},
		}
	}
	policy, err := mqttauthz.Compile(all)
	p.Authentication, p.Authorization = everybody{}, policy
	return err
}

const username = "load"

// everybody lets everybody in, as one user.
type everybody struct{}

func (everybody) Authenticate(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	return mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID, Username: username}, username), nil
}
