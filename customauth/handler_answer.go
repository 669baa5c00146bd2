package customauth

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Answer is what an Authenticator says about a client. The zero Answer refuses
// it.
type Answer struct {
	accepted   bool
	attributes map[string]string
	expiry     time.Time
	reason     mqttauth.ReasonCode
	message    string
}

// Accept returns the answer that lets a client in with these attributes, until
// expiry; the zero time means that the credential never ends.
func Accept(attributes map[string]string, expiry time.Time) Answer {
	return Answer{accepted: true, attributes: attributes, expiry: expiry}
}

// Refuse returns the answer that refuses a client. The broker tells it the
// reason, if that is one that CONNACK may carry, and may log the message, which
// must not hold a credential; "" for none.
func Refuse(reason mqttauth.ReasonCode, message string) Answer {
	return Answer{reason: reason, message: message}
}

// encode returns the status and body that carry the answer.
func (a Answer) encode() (status int, body []byte, err error) {
	if !a.accepted {
		reason := a.reason
		if !reason.IsError() { // a broker that copies it would say success
			reason = mqttauth.NotAuthorized
		}
		body = strconv.AppendInt([]byte(`{"reason":`), int64(reason), 10)
		if a.message != "" {
			body = strictjson.AppendString(append(body, `,"message":`...), a.message)
		}
		return http.StatusForbidden, append(body, '}'), nil
	}
	body = append(body, '{')
	if !a.expiry.IsZero() {
		// Whole seconds, cut off: a credential never lasts longer than meant.
		expiry := a.expiry.UTC().Truncate(time.Second)
		if y := expiry.Year(); y < 0 || y > 9999 {
			return 0, nil, errors.New("customauth: an expiry that RFC 3339 cannot write")
		}
		body = expiry.AppendFormat(append(body, `"expiry":"`...), time.RFC3339)
		body = append(body, `",`...)
	}
	body = append(body, `"attributes":{`...)
	for i, name := range slices.Sorted(maps.Keys(a.attributes)) {
		value := a.attributes[name]
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return 0, nil, errors.New("customauth: an attribute that is not UTF-8")
		}
		if i > 0 {
			body = append(body, ',')
		}
		body = strictjson.AppendString(body, name)
		body = strictjson.AppendString(append(body, ':'), value)
	}
	body = append(body, `}}`...)
	if len(body) > MaxBody {
		return 0, nil, errors.New("customauth: attributes that do not fit into 64 KiB")
	}
	return http.StatusOK, body, nil
}
