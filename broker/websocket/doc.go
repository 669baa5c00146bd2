// Package websocket makes the server's end of a WebSocket out of a connection,
// for MQTT (MQTT 5.0 section 6, RFC 6455).
//
//	u, err := websocket.New("https://app.example")
//	server.Listen(l, broker.Port{Name: "ws", Upgrade: u.Upgrade, Access: access})
//
// [Upgrader.Upgrade] does the handshake; what it returns reads and writes the
// payload of binary frames as one stream of bytes. A client's packets may be
// spread over frames in any way; each that is written gets a frame of its own.
//
// # What is refused
//
// A handshake that does not offer the subprotocol mqtt, one of more than 8 KiB,
// bytes sent before it was answered, and an Origin that is neither the host that
// the client asked for nor allowed. Text frames, frames without a mask and all
// else that RFC 6455 forbids end the connection, with a Close frame that says
// why. Extensions, compression among them, are never agreed on.
//
// # What is not here
//
// Cookies, paths and the headers by which proxies tell whom they speak for are
// not looked at: who a client is, its MQTT packets and its TLS connection say,
// and nothing else (LINK-13, S-31). Deadlines are the caller's: Upgrade and the
// connection block as long as the connection below lets them. Answers to Ping
// frames never hold up the reader; one waits at most, the newest.
package websocket
