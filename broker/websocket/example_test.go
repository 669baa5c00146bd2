package websocket_test

import (
	"fmt"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// A port for WebSockets: besides pages of the same host, those of a panel may
// connect.
func Example() {
	upgrader, err := websocket.New("https://panel.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	port := broker.Port{
		Name:    "websockets",
		Upgrade: upgrader.Upgrade,
		Access:  broker.Access{Authentication: mqttauth.AllowAnonymous(), Authorization: mqttauthz.AllowAll()},
	}
	_, err = websocket.New("panel.example.com")
	fmt.Println(port.Upgrade != nil, err)
	// Output: true websocket: "panel.example.com" is no origin; want scheme://host or scheme://host:port
}
