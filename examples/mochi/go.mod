module github.com/mqttwarden/mqttwarden/examples/mochi

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/mochi-mqtt/server/v2 v2.7.9
	github.com/mqttwarden/mqttwarden v0.0.0
)

require (
	github.com/gobwas/glob v1.1.0 // indirect
	github.com/gorilla/websocket v1.5.0 // indirect
	github.com/rs/xid v1.4.0 // indirect
)

replace github.com/mqttwarden/mqttwarden => ../..
