// Package customauth asks a custom authentication server about MQTT clients,
// and helps to write one.
//
// [Method] is the [mqttauth.Method] that sends what a client presented to a
// server of one's own, over HTTPS, and does what its answer says (CUST-1):
//
//	CONNECT or AUTH → POST / → 200 attributes, expiry | 403 reason | 422 versions
//
//	server, err := customauth.New(customauth.Config{Endpoint: "https://auth.example"})
//	defer server.Close()
//	chain, err := mqttauth.NewChain("factory",
//		mqttauth.Entry{Name: "custom", Method: server, OnUnavailable: mqttauth.OutageNext},
//	)
//
// [Handler] is the other side: an http.Handler that reads such requests, asks
// an [Authenticator], and writes its answer.
//
// # What an answer means
//
// Only a well-formed 200 accepts: one JSON object in application/json, of at
// most 64 KiB, in which attributes, if there, are strings and expiry, if there
// and not null, is a date and time of RFC 3339 in the future. Everything else
// is one of these (CUST-3):
//
//   - unreachable, [mqttauth.ErrUnavailable]: no TCP or TLS connection, no
//     status in time, a connection cut before it, 502, 503, 504. The chain
//     entry's outage setting says what follows;
//   - failed, [mqttauth.ErrFailed]: 3xx, 404, 405, 408, 429, the other 5xx, a 200
//     that cannot be read, a 422 without a common version, and whatever we or
//     the client brought about: a full queue, the end of the context, no file
//     descriptors. The client is refused and may come back;
//   - refused: 403, whatever its body, and every status not named.
//
// Once a status has come the server is there, so a body that stalls or breaks
// off is not an outage: a 200 with such a body has failed. A client cannot be
// named by a reauthentication, whose answer is about nobody; it is accepted if
// the identity attribute is that of before, or else all attributes are (CUST-8).
//
// # When the server is down
//
// After 5 requests in a row that found the server unreachable, one probe goes
// out: a CONNECT without credentials. If it finds the server unreachable too,
// clients are answered at once, and a probe goes out after 1, 2, 4 and up to 30
// seconds, when a client asks. Any answer ends that. Since the probe carries
// nothing of any client, no client can shut the server off from the others.
//
// # When many clients come at once
//
// No more than MaxConcurrent requests run at a time, and they start one by one, at
// most MaxPerSecond of them in a second, so that the clients that are connected
// keep their share of the processors: a CONNECT takes about 0.4 ms of one. The
// others wait, up to MaxWaiting of them and MaxWait long (CUST-6). With the defaults
// and two processors, a thousand that come at once are all answered within 4
// seconds.
//
// # What is not here
//
// Nothing is cached: every CONNECT and every AUTH is one request, or two after a
// 422. There is no judging anew without the credential. Redirects are not
// followed and proxies of the environment not used, since requests carry
// passwords. HTTP/1.1 is spoken without ALPN, TLS from version 1.2 on.
//
// # Security
//
// The server is trusted with every password and with the decision. Its roots
// should be those of its own authority, not those of the system. The client's
// certificates are forwarded as presented, verified by nobody; a server that
// goes by them verifies the chain itself, and cannot know that the client holds
// the key unless the broker's TLS handshake made sure of that, as it does with
// every certificate that a client presents there (X509-12).
//
// Requests are built in one piece of memory, which is wiped after use; what
// package net/http and the kernel copied on the way is not. Log lines and
// errors hold the server's messages, escaped and cut, unless one quotes the
// password or the authentication data as they are or in base64. A server that
// writes them in another way, or into attributes, is not found out.
//
// A request may reach the server twice, when the server closes a kept
// connection just then.
package customauth
