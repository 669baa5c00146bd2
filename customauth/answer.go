package customauth

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// verdict is what an answer means (CUST-3). The zero verdict refuses.
type verdict byte

const (
	refused verdict = iota
	accepted
	failed      // no decision, and no other method may be asked
	unavailable // no decision, and as if there was no server
	versions    // 422: the server speaks other versions
)

// judge says what a status means. A status that nobody thought of refuses.
func judge(status int) verdict {
	switch {
	case status == 200:
		return accepted // if the body is one
	case status == 422:
		return versions
	case status == 502 || status == 503 || status == 504:
		return unavailable
	case status >= 500 && status <= 599, status >= 300 && status <= 399:
		return failed
	case status == 404 || status == 405 || status == 408 || status == 429:
		return failed
	default:
		return refused
	}
}

// acceptance is the body of a 200.
type acceptance struct {
	attributes map[string]string
	expiry     time.Time
}

// object reads a body that is to be one JSON object.
func (a *answer) object() (strictjson.Members, error) {
	if a.err != nil {
		return strictjson.Members{}, a.err
	}
	if coding := a.header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return strictjson.Members{}, errors.New("it is encoded, which nobody asked for")
	}
	if given := a.header["Content-Type"]; len(given) != 1 || !isJSON(given[0]) {
		return strictjson.Members{}, errors.New("its Content-Type is not " + mediaType)
	}
	doc, err := strictjson.Parse(a.body, strictjson.Limits{Bytes: MaxBody})
	if err != nil {
		return strictjson.Members{}, err
	}
	return doc.Object()
}

// isJSON reports whether a Content-Type is that of JSON, with or without
// parameters, which servers in the field like to add.
func isJSON(contentType string) bool {
	if strings.EqualFold(contentType, mediaType) {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == mediaType
}

// acceptance reads the body of a 200. Whatever is not exactly as the interface
// has it is an error (CUST-4); members that the interface does not have are
// passed over.
func (a *answer) acceptance() (acceptance, error) {
	members, err := a.object()
	if err != nil {
		return acceptance{}, err
	}
	var out acceptance
	for key, value := range members.All() {
		switch {
		case key == "expiry" && value.Kind() == strictjson.Null:
			// The published sample writes it for a credential that does not end.
		case key == "expiry":
			out.expiry, err = instant(value)
		case key == "attributes":
			out.attributes, err = attributes(value)
		case strings.EqualFold(key, "expiry"), strings.EqualFold(key, "attributes"):
			// Passed over, it would be an expiry that never comes.
			err = &strictjson.Error{Offset: value.Offset(), Problem: "a known member in other letter case"}
		}
		if err != nil {
			return acceptance{}, err
		}
	}
	return out, nil
}

func attributes(v strictjson.Value) (map[string]string, error) {
	members, err := v.Object()
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	if members.Len() == 0 {
		return nil, nil
	}
	m := make(map[string]string, members.Len())
	for name, value := range members.All() {
		if m[name], err = value.Text(); err != nil {
			return nil, fmt.Errorf("attributes: %w", err)
		}
	}
	return m, nil
}

// instant reads an RFC 3339 date and time.
func instant(v strictjson.Value) (time.Time, error) {
	text, err := v.AppendText(make([]byte, 0, 40))
	if err != nil {
		return time.Time{}, fmt.Errorf("expiry: %w", err)
	}
	text = bytes.ToUpper(text) // RFC 3339 section 5.6: t and z are as good
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil || !wellFormed(text) {
		return time.Time{}, &strictjson.Error{Offset: v.Offset(), Problem: "expiry: not a date and time of RFC 3339"}
	}
	if t.IsZero() { // which means never everywhere else
		t = t.Add(time.Nanosecond)
	}
	return t, nil
}

// wellFormed looks for what time.Parse lets pass: an hour of one digit, a comma
// in front of the fraction, an offset out of range.
func wellFormed(t []byte) bool {
	const seconds = "2006-01-02T15:04:05"
	if len(t) <= len(seconds) || t[len("2006-01-02T15")] != ':' || t[len(seconds)] == ',' {
		return false
	}
	if t[len(t)-1] == 'Z' {
		return true
	}
	offset := t[len(t)-len("07:00"):]
	return string(offset[:2]) < "24" && string(offset[3:]) < "60"
}

// refusal reads the body of a 403: reason code and message. Whatever is wrong
// with it, the client is refused (CUST-3).
func (a *answer) refusal() (mqttauth.ReasonCode, string) {
	members, err := a.object()
	if err != nil {
		return mqttauth.NotAuthorized, ""
	}
	var message string
	if v, ok := members.Get("message"); ok {
		message, _ = v.Text()
	}
	v, _ := members.Get("reason")
	code, err := v.Int64()
	if err != nil || code < 0 || code > 255 {
		return mqttauth.NotAuthorized, message
	}
	return presentable(mqttauth.ReasonCode(code)), message
}

// presentable returns a reason code that a server may have a client told
// (AUTHN-6). Published samples send 0 and 5, which would be success and nothing.
func presentable(c mqttauth.ReasonCode) mqttauth.ReasonCode {
	switch c {
	case 0x80, mqttauth.BadUsernameOrPassword, mqttauth.NotAuthorized, mqttauth.ServerUnavailable, 0x89, 0x8A, 0x97, 0x9F:
		return c
	default:
		return mqttauth.NotAuthorized
	}
}

// common returns a version that the server of a 422 and we both speak.
func (a *answer) common() (string, error) {
	members, err := a.object()
	if err != nil {
		return "", err
	}
	v, _ := members.Get("supportedVersions")
	list, err := v.Array()
	if err != nil {
		return "", fmt.Errorf("supportedVersions: %w", err)
	}
	found := ""
	for _, e := range list {
		version, err := e.Text()
		if err != nil {
			return "", fmt.Errorf("supportedVersions: %w", err)
		}
		if version == APIVersion {
			found = version
		}
	}
	if found == "" {
		return "", errors.New("it speaks none of ours, " + strconv.Quote(APIVersion))
	}
	return found, nil
}
