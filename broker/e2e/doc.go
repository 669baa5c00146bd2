// Package e2e holds tests that drive the built program with real clients:
// mosquitto_pub and mosquitto_sub, with certificates made by openssl, the Paho
// libraries for MQTT 5.0 and 3.1.1, and the state store and lease clients of the
// Azure IoT Operations SDK. It has no code of its own.
//
// The tests need Debian's mosquitto-clients and openssl, and fail without them.
// Everything runs on loopback, on ports that were free a moment before.
//
// The program is built by the tests, so Go's test cache does not know when it
// changed. Run them with a flag that is never cached:
//
//	go test -race -shuffle=on ./...
package e2e
