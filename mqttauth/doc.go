// Package mqttauth decides who an MQTT client is.
//
// A broker fills [Credentials] with what a client presented in its TLS
// handshake, CONNECT and AUTH packets and hands them to a [Chain] of
// [Method] values, which are asked in order:
//
//	credentials → chain → Result{Principal, Identity, Expiry}
//
// Each method says one of five things ([Outcome]): the credentials are not
// relevant to it (the next method is asked), accepted, denied, or there is an
// outage (the chain entry decides whether the next method may be asked), or
// the method failed (the client is refused and may come back). Only a [Result]
// made by [Accept] lets anybody in: a zero Result denies, an error denies, and
// no set of outages turns a denial into an acceptance (AUTHN-5).
//
//	chain, err := mqttauth.NewChain("factory",
//		mqttauth.Entry{Name: "x509", Method: certificates},
//		mqttauth.Entry{Name: "password", Method: users},
//	)
//	result, err := chain.Authenticate(ctx, &mqttauth.Credentials{ClientID: "c", …})
//
// [Session] adds what happens over the life of a connection: MQTT 5.0
// reauthentication, expiry of the credential, and judging a live client again.
// It is a state machine without I/O, goroutines or a clock; the broker runs
// what it asks for and reports back. [ExpiryTimer] is the one timer a
// connection needs for it.
//
// # What is not here
//
// The methods themselves: certificates are in mqttauth/clientcert, user names
// and passwords in mqttauth/password, others in packages of their own. Package
// mqttauth/authtest tests anybody's. What a client may do is decided by package
// mqttauthz from the [Principal]. Neither package imports the other; the two
// Principal types convert into each other.
//
// # Secrets
//
// Passwords and tokens are values of type [Secret], which print as
// "[redacted]" wherever they end up. A Session forgets them as soon as it has
// handed out the verification that needs them.
package mqttauth
