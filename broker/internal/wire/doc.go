// Package wire reads and writes the control packets of MQTT 3.1.1 and 5.0, in
// both directions.
//
// A Reader cuts a stream into frames. Each packet type has a struct with
// Decode, which takes a frame apart, and Append, which writes the packet behind
// a byte slice. A message for many subscribers is written with Publish.Encode.
// Section numbers and [MQTT-x.y.z-n] mean the specification of MQTT 5.0.
//
// # Decoding
//
// Decode accepts exactly what the specification allows: fixed header flags,
// lengths, UTF-8, properties (which, how often, which values), reason codes
// (of either direction), packet identifiers other than 0, and no bytes left
// over. All else is an *Error with the code to answer. After an error the
// struct must not be used.
//
// Only Publish.Decode lets its result point into the frame. All other results
// are copies, each field on its own.
//
// Work and memory are bounded by the size of the frame: at most MaxRepeated
// User Properties are read, and lists have the length that was counted before.
//
// Not checked here: the grammar of topic names, filters and response topics,
// and everything that needs to know the connection: order of packets, which
// side may send what (Subscription Identifiers in a PUBLISH from a client, for
// one), the limits that the other side set.
//
// # Encoding
//
// Append appends nothing when the packet cannot be written as the specification
// wants it: a version it does not exist in, a missing packet identifier, a
// string over 65,535 bytes, a packet over 268,435,455, a reason code of another
// packet type. A stream never gets a broken packet; a caller to whom it matters
// compares lengths. Strings are not checked for UTF-8 again. Properties are left
// out for MQTT 3.1.1. Append allocates only to make room in the slice.
//
// # Secrets
//
// Errors never hold bytes of a packet. Connect, Connack and Auth leave password
// and authentication data out when they are printed, logged or marshalled.
package wire
