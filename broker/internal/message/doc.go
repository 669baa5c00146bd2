// Package message holds one application message on its way through the broker:
// what was published, by whom and when, and its encoded forms.
//
// A Message is made once per PUBLISH or will, after the decision to route it,
// and then shared by every queue that holds it. It is encoded at most once per
// protocol version: at once in that of the publisher, in the other one for its
// first subscriber. What differs from subscriber to subscriber (packet id,
// flags, subscription identifiers, remaining lifetime) is put around the shared
// form.
//
// A Message owns all its memory, so the buffer that the packet was read into
// can be used again. It is immutable and safe for concurrent use.
package message
