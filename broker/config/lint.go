package config

import (
	"fmt"
	"slices"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Lint returns sentences about what is legal in the documents and probably not
// meant, each with its place, in their order. It takes longer than Compile.
func (p *Plan) Lint() []string {
	l := linter{seen: make(map[string]bool), issuer: p.issuer}
	for _, port := range p.Ports {
		if port.chain != nil {
			l.chain(port.chain)
		}
		if port.policy != nil {
			l.policy(port.policy, port.chain)
		}
	}
	return l.sentences
}

// linter says everything once: several ports may share a policy.
type linter struct {
	sentences []string
	seen      map[string]bool
	issuer    string // of service account tokens, if known
}

func (l *linter) say(at resource.Position, format string, args ...any) {
	s := at.String() + ": " + fmt.Sprintf(format, args...)
	if !l.seen[s] {
		l.seen[s] = true
		l.sentences = append(l.sentences, s)
	}
}

func (l *linter) chain(c *chain) {
	for i, m := range c.spec {
		at := c.source.Methods[i].Position
		if i < len(c.spec)-1 && m.OnUnavailable == mqttauth.OutageNext { // AUTHN-5
			l.say(at, "while method %s is unavailable, clients are asked about by the next method, under which they are somebody else", m.Name)
		}
		if len(m.Anchors) > 1 && len(m.Attributes) > 0 { // X509-6
			l.say(at, "each of the %d trusted certificates can vouch for every subject of authorizationAttributes", len(m.Anchors))
		}
		if m.Token != nil {
			l.token(at, m.Token)
		}
	}
}

func (l *linter) policy(p *policy, c *chain) {
	var o mqttauthz.LintOptions
	if c != nil {
		for _, m := range c.spec {
			o.Methods = append(o.Methods, mqttauthz.Verifier{Name: m.Name, Username: m.Token == nil})
		}
	}
	findings := mqttauthz.Lint(p.rules, o)
	slices.SortStableFunc(findings, func(a, b mqttauthz.Finding) int { return a.Rule - b.Rule })
	for _, f := range findings {
		text := f.Message
		if f.Witness != "" {
			text += "; for example " + f.Witness
		}
		if f.Rule < 0 {
			l.say(p.source.Position, "%s (%s)", text, f.Code)
			continue
		}
		l.say(p.source.Locate(f.Rule, f.Field), "%s: %s (%s)", p.source.Field(f.Rule, f.Field), text, f.Code)
	}
}
