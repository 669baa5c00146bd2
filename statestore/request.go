package statestore

import (
	"errors"
	"strings"
	"time"
)

// UserProperty is a user property of an MQTT 5 PUBLISH.
type UserProperty struct {
	Name, Value string
}

// KeyAuthorizer decides about the keys of one client; *mqttauthz.Grants is one.
// Reading is GET and KEYNOTIFY, writing is SET, DEL and VDEL (STORE-2).
type KeyAuthorizer interface {
	CanReadKey(key []byte) bool
	CanWriteKey(key []byte) bool
}

// Request is a PUBLISH to RequestTopic that its client may send there.
type Request[S comparable] struct {
	Session            S // who gets the reply, and the notifications of a KEYNOTIFY
	ClientID           string
	QoS                byte
	ResponseTopic      string // "" is none
	HasCorrelationData bool
	Properties         []UserProperty // unknown ones are ignored
	Payload            []byte         // not kept

	// Keys decides about the keys. Nil denies them all.
	Keys KeyAuthorizer
}

// Requests that get no reply. Nothing was executed.
var (
	// ErrResponseTopic: the client has to be disconnected.
	ErrResponseTopic = errors.New("statestore: the response topic is the request topic or one of notifications; use another")

	// ErrNotRequest: there is no way to reply.
	ErrNotRequest = errors.New("statestore: a request needs QoS 1, a response topic and correlation data")
)

// header is what a request's user properties say.
type header struct {
	now     time.Time
	time    Timestamp // __ts; zero: none
	fence   Timestamp // __ft; zero: none
	persist bool      // aio-persistence
}

// parseHeader reads the user properties of the protocol. Two of a timestamp are
// malformed (STORE-8).
func parseHeader(properties []UserProperty, now time.Time) (header, error) {
	h := header{now: now}
	for i := range properties {
		p := &properties[i]
		var err error
		switch p.Name {
		case "__ts":
			err = parseOnce(&h.time, p.Value)
		case "__ft":
			err = parseOnce(&h.fence, p.Value)
		case "aio-persistence":
			h.persist = p.Value == "true"
		}
		if err != nil {
			return header{}, err
		}
	}
	if tooFarAhead(h.time, now) {
		return header{}, ErrFutureTimestamp
	}
	if tooFarAhead(h.fence, now) {
		return header{}, ErrFutureFence
	}
	return h, nil
}

func parseOnce(t *Timestamp, text string) error {
	if !t.IsZero() {
		return ErrMalformedTime
	}
	parsed, err := ParseTimestamp(text)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// unsupportedVersion returns the first __protVer whose major number is not 1.
func unsupportedVersion(properties []UserProperty) (version string, found bool) {
	for i := range properties {
		if properties[i].Name != "__protVer" {
			continue
		}
		major, minor, hasMinor := strings.Cut(properties[i].Value, ".")
		_, minorOK := parseDecimal(minor)
		if major != "1" || hasMinor && !minorOK {
			return properties[i].Value, true
		}
	}
	return "", false
}
