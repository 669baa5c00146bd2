package wire

import (
	"fmt"
	"log/slog"
)

// The packets that carry credentials print themselves without them (S-18),
// whatever the verb. Absent and present can be told apart.

func (p Connect) text() string {
	return fmt.Sprintf("CONNECT{version %v, client ID %q, user name %t, password %t, method %q, data %t}",
		p.Version, p.ClientID, p.Username.Set, p.Password != nil, p.AuthMethod, p.AuthData != nil)
}

func (p Connack) text() string {
	return fmt.Sprintf("CONNACK{%v, session present %t, method %q, data %t}",
		p.Code, p.SessionPresent, p.AuthMethod, p.AuthData != nil)
}

func (p Auth) text() string {
	return fmt.Sprintf("AUTH{%v, method %q, data %t}", p.Code, p.AuthMethod, p.AuthData != nil)
}

// Format writes the packet without credentials, for all verbs.
func (p Connect) Format(s fmt.State, _ rune) { fmt.Fprint(s, p.text()) }

// Format writes the packet without credentials, for all verbs.
func (p Connack) Format(s fmt.State, _ rune) { fmt.Fprint(s, p.text()) }

// Format writes the packet without credentials, for all verbs.
func (p Auth) Format(s fmt.State, _ rune) { fmt.Fprint(s, p.text()) }

// LogValue returns the packet without credentials.
func (p Connect) LogValue() slog.Value { return slog.StringValue(p.text()) }

// LogValue returns the packet without credentials.
func (p Connack) LogValue() slog.Value { return slog.StringValue(p.text()) }

// LogValue returns the packet without credentials.
func (p Auth) LogValue() slog.Value { return slog.StringValue(p.text()) }
