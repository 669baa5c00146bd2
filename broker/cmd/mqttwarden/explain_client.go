package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

// clientFlags name a client.
type clientFlags struct {
	clientID, username string
	attributes         []string
	certificate, token string
}

func (f *clientFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.clientID, "client-id", "", "client ID")
	flags.StringVar(&f.username, "username", "", "username, as a method of the port has verified it")
	flags.StringArrayVar(&f.attributes, "attribute", nil, "attribute, as NAME=VALUE; may be repeated")
	flags.StringVar(&f.certificate, "certificate", "", "PEM file with the client's certificate and the intermediate ones that it presents, leaf first")
	flags.StringVar(&f.token, "token", "", "file with a service account token, or with its claims in JSON; its signature is NOT verified")
	cmd.MarkFlagsMutuallyExclusive("certificate", "token")
	cmd.MarkFlagsMutuallyExclusive("certificate", "username")
	cmd.MarkFlagsMutuallyExclusive("certificate", "attribute")
	cmd.MarkFlagsMutuallyExclusive("token", "username")
}

// finding is what is known of a client.
type finding struct {
	who   mqttauthz.Principal
	notes []string // how it is known

	// refused says that authentication refuses the client; steps, what each
	// method says.
	refused bool
	steps   []step
}

// step is what one method of a chain said.
type step struct {
	Method string `json:"method"`
	Answer string `json:"answer"`
}

// client finds out who the flags mean, at a port. They add to what is known of
// the client already.
func (f *clientFlags) client(ctx context.Context, t *target, known mqttauthz.Principal) (*finding, error) {
	found := &finding{who: known}
	if f.clientID != "" {
		found.who.ClientID = f.clientID
	}
	if f.username != "" {
		found.who.Username = f.username
	}
	if err := f.addAttributes(&found.who); err != nil {
		return nil, err
	}
	switch {
	case f.certificate != "":
		return found, found.byCertificate(ctx, t, f.certificate)
	case f.token != "":
		return found, found.byToken(t, f.token)
	}
	return found, nil
}

func (f *clientFlags) addAttributes(who *mqttauthz.Principal) error {
	for _, a := range f.attributes {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return fmt.Errorf("--attribute %q: write NAME=VALUE", peertext.Clean(a))
		}
		if who.Attributes == nil {
			who.Attributes = make(map[string]string)
		}
		who.Attributes[name] = value
	}
	return nil
}

// byCertificate asks the chain of the port about a certificate, exactly as a
// client is asked about that presents it and nothing else.
func (f *finding) byCertificate(ctx context.Context, t *target, path string) error {
	chain, err := readChain(path)
	if err != nil {
		return err
	}
	if t.details != nil {
		return f.byDetails(t.details, chain)
	}
	if _, err := t.method(resource.MethodX509); err != nil {
		return err
	}
	m := t.port.Access().Authentication
	if m == nil {
		return fmt.Errorf("port %s is closed until what it refers to is there: %v", t.name, t.port.Missing)
	}
	result, err := m.Authenticate(ctx, &mqttauth.Credentials{
		ClientID: f.who.ClientID, PeerCertificates: chain, Version: mqttauth.MQTT5,
	})
	if err != nil {
		f.refused, f.steps = true, stepsOf(err)
		return nil //nolint:nilerr // a refusal is an answer
	}
	f.who = mqttauthz.Principal(result.Principal)
	f.notes = append(f.notes, fmt.Sprintf("the certificate %s is accepted by method %s until %s",
		subjectOf(chain[0]), result.Identity.Method, result.Expiry.UTC().Format("2006-01-02 15:04:05 MST")))
	return nil
}

// byDetails reads a certificate by the details of a method without its trust
// anchors.
func (f *finding) byDetails(x *resource.X509, chain []*x509.Certificate) error {
	rules := make([]x509attr.Rule, len(x.AuthorizationAttributes))
	for i, r := range x.AuthorizationAttributes {
		rules[i] = x509attr.Rule{Name: r.Name, Subject: r.Subject, Attributes: r.Attributes}
	}
	matcher, err := x509attr.Compile(rules)
	if err != nil {
		return err
	}
	f.who.Username, _ = x509attr.CommonName(chain[0])
	if match, ok := matcher.Match(chain); ok {
		f.who.Attributes = match.Attributes
	}
	f.notes = append(f.notes, "THE CERTIFICATE IS NOT VERIFIED: without documents the trust anchors are not known; rules match the certificates of the file alone")
	return nil
}

func subjectOf(cert *x509.Certificate) string {
	return `"` + peertext.Clean(cert.Subject.String()) + `"`
}

// stepsOf takes the error of a chain apart.
func stepsOf(err error) []step {
	var e *mqttauth.Error
	if !errors.As(err, &e) {
		return nil
	}
	steps := make([]step, 0, len(e.Steps))
	for _, s := range e.Steps {
		answer := s.Outcome.String()
		if s.Err != nil {
			answer += ": " + s.Err.Error()
		}
		steps = append(steps, step{s.Method, peertext.Clean(answer)})
	}
	return steps
}

// method returns the method of a kind, if it is the one that decides about a
// client with its kind of credential.
func (t *target) method(kind resource.MethodKind) (*resource.Method, error) {
	if t.port == nil {
		return nil, fmt.Errorf("the documents have no BrokerListener, so it is not known how clients of %s are authenticated; give --username and --attribute", t.name)
	}
	if t.authentication == nil {
		return nil, fmt.Errorf("port %s: authentication is %s", t.name, t.port.Authentication())
	}
	for i := range t.authentication.Methods {
		m := &t.authentication.Methods[i]
		switch {
		case m.Kind == kind:
			return m, nil
		case m.Kind == resource.MethodCustom:
			return nil, fmt.Errorf("port %s: method Custom is asked before %s and decides about every client; ask its server, and give what it answers by --username and --attribute", t.name, kind)
		}
	}
	return nil, fmt.Errorf("port %s: there is no method %s; authentication is %s", t.name, kind, t.port.Authentication())
}

// maxCredential is the greatest file with a certificate chain or a token.
const maxCredential = 1 << 20

// readChain reads the certificates of a PEM file; keys are skipped.
func readChain(path string) ([]*x509.Certificate, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", path, len(chain)+1, err)
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%s: no certificate; it begins with -----BEGIN CERTIFICATE-----", path)
	}
	return chain, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxCredential {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, maxCredential)
	}
	return os.ReadFile(path)
}
