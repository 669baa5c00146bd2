package customauth_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// pki is an authority and the certificate of a server on loopback.
type pki struct{ root, server *devca.Certificate }

var newPKI = sync.OnceValues(func() (pki, error) {
	root, err := devca.Root(devca.Named("root"))
	if err != nil {
		return pki{}, err
	}
	server, err := root.Leaf(devca.Spec{Hosts: []string{"127.0.0.1", "auth.example"}})
	return pki{root, server}, err
})

func thePKI(t testing.TB) pki {
	t.Helper()
	p, err := newPKI()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// leaf returns another certificate of the authority.
func (p pki) leaf(t testing.TB, name string) *devca.Certificate {
	t.Helper()
	c, err := p.root.Leaf(devca.Named(name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// script says what a server does.
type script struct {
	raw    func(net.Conn)                      // what happens before TLS; nil: a handshake
	answer func(c net.Conn, n int) (more bool) // the n-th request has come, from 1
}

// faulty is a server that does as it is told, byte by byte.
type faulty struct {
	script
	listener net.Listener
	requests atomic.Int64
	open     atomic.Int64 // connections now
	mostOpen atomic.Int64
	config   *tls.Config
}

// start serves until the test ends.
func (s script) start(t testing.TB) *faulty {
	t.Helper()
	return (&faulty{script: s}).start(t)
}

func (f *faulty) start(t testing.TB) *faulty {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.listener = listener
	if f.config == nil {
		f.config = &tls.Config{Certificates: []tls.Certificate{thePKI(t).server.TLS()}}
	}
	var connections sync.WaitGroup
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			f.mostOpen.Store(max(f.mostOpen.Load(), f.open.Add(1)))
			connections.Go(func() {
				defer f.open.Add(-1)
				defer c.Close()
				f.serve(c)
			})
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
		connections.Wait()
	})
	return f
}

func (f *faulty) serve(c net.Conn) {
	if f.raw != nil {
		f.raw(c)
		return
	}
	conn := tls.Server(c, f.config)
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if !f.answer(conn, int(f.requests.Add(1))) {
			return
		}
	}
}

func (f *faulty) url() string { return "https://" + f.listener.Addr().String() }

// hang lasts until the other side is gone.
func hang(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// says answers every request with the same text, in which a line ends in LF.
func says(text string) func(net.Conn, int) bool {
	return func(c net.Conn, _ int) bool {
		_, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n"))
		return err == nil
	}
}

// ok is a 200 with this body.
func ok(body string) string { return answered("200 OK", "application/json", body) }

func answered(status, contentType, body string) string {
	return "HTTP/1.1 " + status + "\nContent-Type: " + contentType + "\nContent-Length: " + strconv.Itoa(len(body)) + "\n\n" + body
}

// method returns the method for a server, to be closed with the test.
func method(t testing.TB, c customauth.Config) *customauth.Method {
	t.Helper()
	if c.TLS.RootCAs == nil {
		c.TLS.RootCAs = thePKI(t).root.PEM()
	}
	if c.MaxPerSecond == 0 { // the pace has tests of its own
		c.MaxPerSecond = 1e9
	}
	m, err := customauth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

const phrase = "correct horse battery staple"

// login is a CONNECT with user name and password.
func login() mqttauth.Credentials {
	return mqttauth.Credentials{
		ClientID: "c", Version: mqttauth.MQTT5, Username: "alice", HasUsername: true, Password: mqttauth.NewSecret([]byte(phrase)),
	}
}

// enhanced is a CONNECT with enhanced authentication.
func enhanced() mqttauth.Credentials {
	return mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5, AuthMethod: "TICKET", AuthData: mqttauth.NewSecret([]byte(phrase))}
}

// renewal is the AUTH of a client that was accepted with these attributes.
func renewal(name string, attributes map[string]string) mqttauth.Credentials {
	c := enhanced()
	previous := mqttauth.Accept(mqttauth.Principal{ClientID: "c", Attributes: attributes}, name)
	c.Previous = &previous
	return c
}

// reasonOf returns the reason code that a denial carries.
func reasonOf(err error) mqttauth.ReasonCode {
	var e *mqttauth.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return 0
}
