package mqttauthz

import (
	"errors"
	"fmt"
	"strings"
)

// Operation is what a request asks for. The zero Operation is none, and denied.
type Operation uint8

// The operations a policy decides about. The text of a request is the client ID
// for OpConnect, the topic name for OpPublish, the topic filter for OpSubscribe
// and the key for OpRead and OpWrite.
const (
	OpConnect Operation = iota + 1
	OpPublish
	OpSubscribe
	OpRead
	OpWrite
)

var operationNames = [...]string{"none", "connect", "publish", "subscribe", "read", "write"}

// String returns the name of o in lower case.
func (o Operation) String() string {
	if int(o) >= len(operationNames) {
		return operationNames[0]
	}
	return operationNames[o]
}

// MarshalText returns the name of o; it is how o looks in JSON.
func (o Operation) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

var errOperation = errors.New("mqttauthz: no operation; write connect, publish, subscribe, read or write")

// UnmarshalText reads a name in any letter case.
func (o *Operation) UnmarshalText(text []byte) error {
	for i, name := range operationNames[1:] {
		if strings.EqualFold(name, string(text)) {
			*o = Operation(i + 1)
			return nil
		}
	}
	return errOperation
}

// ask decides one request. The text of a Connect is that of the principal.
func (g *Grants) ask(o Operation, text string) Decision {
	switch o {
	case OpConnect:
		return g.Connect()
	case OpPublish:
		return g.Publish(text)
	case OpSubscribe:
		return g.Subscribe(text)
	case OpRead:
		return g.ReadKey([]byte(text))
	case OpWrite:
		return g.WriteKey([]byte(text))
	}
	return Decision{}
}

// isTopic reports whether the patterns for o are topic patterns.
func (o Operation) isTopic() bool { return o == OpPublish || o == OpSubscribe }

// use returns how values of the principal may stand in patterns for o.
func (o Operation) use() uses {
	if o.isTopic() {
		return inTopics
	}
	return inKeys
}

// form is how a pattern is written.
type form uint8

const (
	topicForm  form = iota
	globForm        // a glob over the whole text
	textForm        // the text itself
	binaryForm      // the text in base64
	anyForm         // Connect without clientIds
)

// source is where a pattern of a policy comes from: a place in the rules.
type source struct {
	rule, resource, item uint32
	op                   Operation
	form                 form
}

// field returns the place of s within its rule.
func (s source) field() string {
	switch {
	case s.form == anyForm:
		return fmt.Sprintf("brokerResources[%d]", s.resource)
	case s.op == OpConnect:
		return fmt.Sprintf("brokerResources[%d].clientIds[%d]", s.resource, s.item)
	case s.op.isTopic():
		return fmt.Sprintf("brokerResources[%d].topics[%d]", s.resource, s.item)
	}
	return fmt.Sprintf("stateStoreResources[%d].keys[%d]", s.resource, s.item)
}
