// Package session holds the server side of one MQTT session: what waits to be
// sent to the client, what was sent and is not acknowledged, what was received
// and is not released, and the subscriptions (MQTT 5.0 section 4.1).
//
// A Session is a state machine. The broker tells it what happened (Attach,
// Detach, Enqueue, the acknowledgements) and takes what is to be sent from
// AppendNext, which encodes as many packets as fit into one write. It does no
// I/O, starts no goroutine and reads no clock. It is not safe for concurrent
// use: the broker holds one lock per session.
//
// Deliveries leave in the order of Enqueue. At most the client's receive maximum
// of them are unacknowledged. After a reconnect PUBREL packets come first, then
// what was sent before, again in order and with DUP, then the rest. Packet ids
// of the two directions are two separate spaces (engine rules E1 to E3).
//
// Everything is bounded by Limits. Queues are allocated when they are needed,
// shrink after a burst, and vanish with Detach or Compact; an idle session is a
// few hundred bytes.
//
// It does not decide who may receive what. After a change of rights the broker
// removes subscriptions and calls Purge (AUTHZ-12); what was sent already keeps
// its packet id and is completed. Wills, session expiry and identity are the
// broker's as well.
package session
