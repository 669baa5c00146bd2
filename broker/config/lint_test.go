package config_test

import (
	"strings"
	"testing"
)

// Notes are about what is legal: they have a place, come once, and the
// tutorial-like documents have none.
func TestLint(t *testing.T) {
	good := documents(t, newPKI(t))
	other := newPKI(t)
	tests := []struct {
		name  string
		files files
		want  []string // in this order; none: no notes
	}{
		{"nothing to say", good, nil},
		{
			"no rules, S-02", good.with("authorization.yaml", strings.Split(authorizationYAML, "    rules:")[0]+"    rules: []\n"),
			[]string{"authorization.yaml:1:1: "},
		},
		{
			"a token beside a wildcard, AUTHZ-6",
			good.replace("authorization.yaml", temperature, "telemetry/{principal.username}*"),
			[]string{"authorization.yaml:15:17: spec.authorizationPolicies.rules[0].brokerResources[1].topics[0]: "},
		},
		{
			"any anchor can name a subject, X509-6",
			good.with("ca.yaml", configMap("client-ca", []byte(string(other.clientCA.PEM())+string(newPKI(t).clientCA.PEM())))),
			[]string{"authentication.yaml:7:7: each of the 2 trusted certificates"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := compile(t, tt.files)
			if err != nil {
				t.Fatal(err)
			}
			defer plan.Close()
			got := plan.Lint()
			if len(tt.want) == 0 && len(got) > 0 {
				t.Errorf("notes: %q", got)
			}
			for _, want := range tt.want {
				found := false
				for _, s := range got {
					found = found || strings.Contains(s, want)
				}
				if !found {
					t.Errorf("no note %q in %q", want, got)
				}
			}
		})
	}
}

// AUTHN-5, AUTHZ-3: a chain whose fallback makes clients somebody else.
func TestLintFallback(t *testing.T) {
	_, _, f := customBench(t, false, thenX509)
	plan, err := compile(t, f.replace("authorization.yaml", "attributes:\n            - group: thermostats", "usernames:\n            - thermostat"))
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	notes := strings.Join(plan.Lint(), "\n")
	for _, want := range []string{
		"while method Custom is unavailable, clients are asked about by the next method",
		"username-ambiguous",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
}
