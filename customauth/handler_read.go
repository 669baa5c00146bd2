package customauth

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// reader reads the members of a request. It remembers its first error. A
// member that is null is absent: some brokers send what they do not have.
type reader struct {
	members     strictjson.Members
	plainMethod bool
	err         error
}

func (r *reader) get(name string) (strictjson.Value, bool) {
	v, ok := r.members.Get(name)
	return v, ok && v.Kind() != strictjson.Null
}

// failed notes an error about the member of that name.
func (r *reader) failed(name string, err error) bool {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
	return err != nil
}

func (r *reader) text(name string) (text string, ok bool) {
	v, ok := r.get(name)
	if !ok {
		return "", false
	}
	text, err := v.Text()
	return text, !r.failed(name, err)
}

// encoded reads a member in base64, which does not become a Go string on the
// way.
func (r *reader) encoded(name string) (b []byte, ok bool) {
	v, ok := r.get(name)
	if !ok {
		return nil, false
	}
	text, err := v.AppendText(nil)
	defer clear(text)
	if r.failed(name, err) {
		return nil, false
	}
	if bytes.ContainsAny(text, "\r\n") { // package base64 passes over them
		r.failed(name, &strictjson.Error{Offset: v.Offset(), Problem: "line breaks in base64"})
		return nil, false
	}
	b, err = base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil { // whose text quotes nothing, and says where in the value
		r.failed(name, fmt.Errorf("at byte %d: %w", v.Offset(), err))
		return nil, false
	}
	return b, true
}

func (r *reader) secret(name string) mqttauth.Secret {
	b, ok := r.encoded(name)
	if !ok {
		return mqttauth.Secret{}
	}
	defer clear(b)
	return mqttauth.NewSecret(b)
}

// enhanced reads the object enhancedAuthentication, nil if it is absent.
func (r *reader) enhanced() *Enhanced {
	const name = "enhancedAuthentication"
	v, ok := r.get(name)
	if !ok {
		return nil
	}
	members, err := v.Object()
	if r.failed(name, err) {
		return nil
	}
	inner := reader{members: members, plainMethod: r.plainMethod}
	e := &Enhanced{Method: inner.method(), Data: inner.secret("data")}
	r.failed(name, inner.err)
	return e
}

func (r *reader) method() string {
	var method string
	if r.plainMethod {
		method, _ = r.text("method")
	} else {
		b, _ := r.encoded("method")
		method = string(b)
	}
	if method == "" && r.err == nil {
		r.err = errors.New("method is missing or empty")
	}
	return method
}

// certificates reads the client's chain. Text around the PEM blocks is an error.
func (r *reader) certificates() []*x509.Certificate {
	const name = "certs"
	text, ok := r.text(name)
	if !ok {
		return nil
	}
	var chain []*x509.Certificate
	for rest := bytes.TrimSpace([]byte(text)); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		begin := rest
		var block *pem.Block
		if !bytes.HasPrefix(rest, []byte("-----BEGIN CERTIFICATE-----")) {
			r.failed(name, fmt.Errorf("something other than certificates in PEM, behind %d of them", len(chain)))
			return nil
		}
		if block, rest = pem.Decode(rest); block == nil || len(block.Headers) > 0 ||
			bytes.Count(begin[:len(begin)-len(rest)], []byte("-----BEGIN")) != 1 { // Decode passes over what it cannot read
			r.failed(name, fmt.Errorf("certificate %d is not PEM", len(chain)+1))
			return nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			r.failed(name, fmt.Errorf("certificate %d cannot be read", len(chain)+1))
			return nil
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		r.failed(name, errors.New("no certificate; leave it out if there is none"))
	}
	return chain
}
