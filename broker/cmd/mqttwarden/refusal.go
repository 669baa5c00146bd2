package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// logged is what a log line says about a denial, besides what was asked for.
type logged struct {
	Message string   `json:"message,omitempty"`
	Method  string   `json:"method,omitempty"` // that accepted the client; "": none had
	Reason  string   `json:"reason,omitempty"` // the code that the client was told
	Error   string   `json:"error,omitempty"`
	Steps   []step   `json:"steps,omitempty"`
	Remarks []string `json:"-"` // about the line itself
}

// Messages of the broker about denials.
const (
	messageHandshake = "TLS handshake refused"
	messageRefused   = "client refused"
	messageCut       = "client cut off"
	messagePublish   = "publish denied"
	messageSubscribe = "subscribe denied"
	messageWill      = "will denied"
	messageRead      = "state store read denied"
	messageWrite     = "state store write denied"
)

// mayNotConnect begins the error of a CONNECT that the policy refuses.
const mayNotConnect = "no rule allows the client to connect"

var errNoDenial = errors.New(`no line about a denial: it has msg="client refused", "client cut off", "TLS handshake refused", "publish denied", "subscribe denied", "will denied" or "state store ... denied", or a field topic or filter, or is of the audit log`)

// newQuestion makes a question of the fields of a line of the log or of the
// audit log.
func newQuestion(fields map[string]string) (*question, error) {
	if fields["action"] != "" && fields["msg"] == "" {
		fields = fromAudit(fields)
	}
	l := &logged{
		Message: shown(fields["msg"]), Method: shown(fields["method"]),
		Reason: shown(fields["reason"]), Error: shown(fields["error"]),
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if method, ok := strings.CutPrefix(key, "method."); ok {
			l.Steps = append(l.Steps, step{shown(method), shown(fields[key])})
		}
	}
	op, key, ok := l.asked(fields)
	if !ok {
		return nil, errNoDenial
	}
	q := &question{port: fields["port"], op: op, logged: l}
	var err error
	if key != "" {
		q.text, err = whole(fields, key)
	}
	q.who = l.principal(fields)
	return q, err
}

// asked returns what was asked for, and the field that names it. It is not ok if
// the line is about no denial.
func (l *logged) asked(fields map[string]string) (op mqttauthz.Operation, key string, ok bool) {
	_, publish := fields["topic"]
	_, subscribe := fields["filter"]
	switch l.Message {
	case messageRead:
		return mqttauthz.OpRead, "key", true
	case messageWrite:
		return mqttauthz.OpWrite, "key", true
	case messageHandshake, messageRefused, messageCut, messagePublish, messageSubscribe, messageWill:
	case "":
		if !publish && !subscribe && len(l.Steps) == 0 && l.Reason == "" {
			return 0, "", false
		}
	default:
		return 0, "", false
	}
	switch {
	case publish:
		return mqttauthz.OpPublish, "topic", true
	case subscribe:
		return mqttauthz.OpSubscribe, "filter", true
	}
	return mqttauthz.OpConnect, "", true
}

// fromAudit returns the fields that the log has where the audit log has these.
func fromAudit(fields map[string]string) map[string]string {
	fields = maps.Clone(fields)
	object := fields["object"]
	switch action := fields["action"]; action {
	case "publish":
		fields["msg"], fields["topic"] = messagePublish, object
	case "subscribe":
		fields["msg"], fields["filter"] = messageSubscribe, object
	case "read", "write":
		fields["msg"], fields["key"] = "state store "+action+" denied", object
	case "connect":
		fields["msg"] = messageRefused
	case "handshake":
		fields["msg"] = messageHandshake
	case "disconnect", "reauthenticate":
		fields["msg"] = messageCut
	default:
		fields["msg"] = action // which is none
	}
	if fields["allowed"] == "true" || fields["action"] == "disconnect" && fields["error"] == "" {
		fields["msg"] = "allowed"
	}
	return fields
}

// shown returns text of a line as it may be shown, whether the broker escaped it
// or not (OPS-1).
func shown(text string) string {
	if plain, err := peertext.Restore(text); err == nil {
		text = plain
	}
	return peertext.Clean(text)
}

// whole returns the client's own text of a field.
func whole(fields map[string]string, key string) (string, error) {
	text, err := peertext.Restore(fields[key])
	if errors.Is(err, peertext.ErrCut) {
		return "", fmt.Errorf("field %s: %w in the log; ask for the action instead, with all of it", key, err)
	}
	if err != nil {
		return "", fmt.Errorf("field %s: %w; give the line on standard input, or between ' and '", key, err)
	}
	return text, nil
}

// principal returns what the line says about the client. What is not whole is
// left out, and said.
func (l *logged) principal(fields map[string]string) mqttauthz.Principal {
	var who mqttauthz.Principal
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		name, attribute := strings.CutPrefix(key, "attributes.")
		if key != "client_id" && key != "username" && !attribute {
			continue
		}
		value, err := whole(fields, key)
		if err == nil && attribute {
			name, err = peertext.Restore(name)
		}
		switch {
		case err != nil:
			l.Remarks = append(l.Remarks, fmt.Sprintf("field %q of the line is not whole and is left out; name the client by flags", peertext.Clean(key)))
		case key == "client_id":
			who.ClientID = value
		case key == "username":
			who.Username = value
		default:
			if who.Attributes == nil {
				who.Attributes = make(map[string]string)
			}
			who.Attributes[name] = value
		}
	}
	if n := fields["attributes_omitted"]; n != "" {
		l.Remarks = append(l.Remarks, "the line leaves out "+peertext.Clean(n)+" more attributes; add those that rules are about by --attribute")
	}
	return who
}

// early reports whether the client was refused before the policy was asked, or
// cut off for what no policy says.
func (l *logged) early() bool {
	if l == nil {
		return false
	}
	switch l.Message {
	case messageHandshake, messageCut:
		return true
	case messageRefused:
		return l.Method == ""
	}
	return len(l.Steps) > 0
}

// refusedEarly makes the answer out of the line alone.
func (a *answer) refusedEarly(l *logged) {
	a.Stage, a.Methods = stageOther, l.Steps
	if len(l.Steps) > 0 {
		a.Stage = stageAuthentication
	}
	a.Reason = "denied: " + l.Error
	a.Notes = append(a.Notes, l.advice()...)
}

// notes compares the line with the answer of the documents.
func (l *logged) notes(a *answer) []string {
	if !a.Allowed {
		return l.Remarks
	}
	if l.Message == messageRefused && !strings.HasPrefix(l.Error, mayNotConnect) {
		a.Stage, a.Allowed = stageOther, false
		a.Reason = "denied: " + l.Error
		return append(l.Remarks, append([]string{"the policy allows the client to connect; it was refused for another reason"}, l.advice()...)...)
	}
	return append(l.Remarks, "these documents allow what the line says was denied: they have changed since, or are not those of this broker")
}

// advice says what a refusal for other reasons than the policy means.
func (l *logged) advice() []string {
	switch {
	case l.Message == messageHandshake:
		return []string{"the connection ended in the TLS handshake, before MQTT: the client's certificate does not verify, or it does not trust ours; give the client's chain by --certificate to see what the port makes of it"}
	case l.Message == messageCut:
		return []string{"the client had been accepted by method " + l.Method + " and was cut off later, not by a rule"}
	}
	if text := adviceOn(l.Reason); text != "" {
		return []string{text}
	}
	return nil
}

// adviceOn says what a reason code of CONNACK means here, "" if there is nothing
// to add to its name.
func adviceOn(reason string) string {
	_, code, _ := strings.Cut(reason, "(")
	switch strings.TrimSuffix(code, ")") {
	case "0x81":
		return "the CONNECT packet is malformed: no client of MQTT, or a faulty one"
	case "0x82":
		return "the client broke the protocol before it was accepted"
	case "0x84":
		return "the client speaks another version than MQTT 3.1.1 and 5.0"
	case "0x85":
		return "the client ID is in use by a session of another identity, or is missing where MQTT 3.1.1 wants one"
	case "0x86":
		return "a method knows this kind of credential and found it wrong; methods behind it were not asked"
	case "0x87":
		return "a method refused the credential, or none was relevant: compare what the client presents with the methods above"
	case "0x88":
		return "no decision: something that a method needs could not be reached or was too busy; the client may try again"
	case "0x8C":
		return "no method of the port knows the client's Authentication Method"
	case "0x95":
		return "the CONNECT packet is longer than the broker takes before it knows a client"
	case "0x97":
		return "the identity owns as many sessions as one may have"
	}
	return ""
}
