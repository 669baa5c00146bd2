package customauth_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// onePassword is an authentication server's whole knowledge.
type onePassword struct{}

func (onePassword) Connect(_ context.Context, r *customauth.ConnectRequest) (customauth.Answer, error) {
	if r.Username != "press-1" || string(r.Password.Reveal()) != "swordfish" {
		return customauth.Refuse(mqttauth.BadUsernameOrPassword, "unknown user or wrong password"), nil
	}
	return customauth.Accept(map[string]string{"floor": "floor1"}, time.Time{}), nil
}

func (onePassword) Auth(context.Context, *customauth.AuthRequest) (customauth.Answer, error) {
	return customauth.Refuse(mqttauth.NotAuthorized, "no enhanced authentication here"), nil
}

// A server of one's own; examples/authserver is a whole program.
func ExampleHandler() {
	server := httptest.NewTLSServer(&customauth.Handler{Authenticator: onePassword{}})
	defer server.Close()
	fmt.Println("listening")
	// Output: listening
}

// The method in a chain.
func ExampleMethod() {
	server := httptest.NewTLSServer(&customauth.Handler{Authenticator: onePassword{}})
	defer server.Close()

	method, err := customauth.New(customauth.Config{
		Endpoint: server.URL,
		TLS:      customauth.TLS{RootCAs: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer method.Close()
	chain, err := mqttauth.NewChain("factory",
		mqttauth.Entry{Name: "custom", Method: method, OnUnavailable: mqttauth.OutageNext})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, password := range []string{"swordfish", "guess"} {
		result, err := chain.Authenticate(context.Background(), &mqttauth.Credentials{
			ClientID: "c", Username: "press-1", HasUsername: true, Password: mqttauth.NewSecret([]byte(password)),
		})
		fmt.Println(result.Principal.Username, result.Principal.Attributes["floor"], err)
	}
	// Output:
	// press-1 floor1 <nil>
	//   mqttauth: denied: customauth: refused by the server with status 403: unknown user or wrong password
}
