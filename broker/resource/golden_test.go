package resource_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden reads the examples of the documents, and variants of them. Beside
// each stands what is expected: the set it means, or the errors it gives.
func TestGolden(t *testing.T) {
	for _, folder := range []string{"valid", "invalid"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.*"))
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, file := range files {
			if filepath.Ext(file) == ".golden" {
				continue
			}
			count++
			t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				set, err := resource.Parse(filepath.Base(file), data)
				if (err == nil) != (folder == "valid") {
					t.Fatalf("error = %v", err)
				}
				compareGolden(t, file+".golden", dump(set, err))
			})
		}
		if count == 0 {
			t.Errorf("no files in testdata/%s", folder)
		}
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// dump writes a set so that a person can compare it with the document. It
// reveals the secrets, which are none here.
func dump(set *resource.Set, err error) string {
	var b strings.Builder
	if err != nil {
		return err.Error() + "\n"
	}
	for _, br := range set.Brokers {
		fmt.Fprintf(&b, "broker %s at %s %+v\n  ignored %q\n", br.Key, br.Position, br.Clients, br.Ignored)
	}
	for _, l := range set.Listeners {
		fmt.Fprintf(&b, "listener %s at %s broker=%q service=%q type=%q\n", l.Key, l.Position, l.BrokerRef, l.ServiceName, l.ServiceType)
		for _, p := range l.Ports {
			fmt.Fprintf(&b, "  port %d at %s node=%d %s authentication=%q authorization=%q\n", p.Number, p.Position, p.NodePort, p.Protocol, p.AuthenticationRef, p.AuthorizationRef)
			if p.Anonymous || p.Unrestricted {
				fmt.Fprintf(&b, "    anonymous=%t unrestricted=%t\n", p.Anonymous, p.Unrestricted)
			}
			if p.AllowedOrigins != nil {
				fmt.Fprintf(&b, "    origins at %s %q\n", p.OriginsPosition, p.AllowedOrigins)
			}
			if p.TLS != nil {
				fmt.Fprintf(&b, "    tls at %s %s secret=%q\n", p.TLS.Position, p.TLS.Mode, p.TLS.SecretRef)
			}
			if p.TLS != nil && p.TLS.CertManager != nil {
				fmt.Fprintf(&b, "      %+v\n", *p.TLS.CertManager)
			}
		}
	}
	for _, a := range set.Authentications {
		fmt.Fprintf(&b, "authentication %s at %s broker=%q\n", a.Key, a.Position, a.BrokerRef)
		for _, m := range a.Methods {
			dumpMethod(&b, m)
		}
	}
	for _, a := range set.Authorizations {
		fmt.Fprintf(&b, "authorization %s at %s broker=%q cache=%t\n", a.Key, a.Position, a.BrokerRef, a.Cache)
		for i, r := range a.Rules {
			fmt.Fprintf(&b, "  rule %d at %s\n    for %+v\n", i, a.Locate(i, ""), r.Principals)
			for j, br := range r.BrokerResources {
				fmt.Fprintf(&b, "    may %+v at %s\n", br, a.Locate(i, fmt.Sprintf("brokerResources[%d]", j)))
			}
			for _, sr := range r.StateStoreResources {
				fmt.Fprintf(&b, "    key %+v\n", sr)
			}
		}
	}
	for _, c := range set.ConfigMaps {
		fmt.Fprintf(&b, "configmap %s at %s\n", c.Key, c.Position)
		for _, k := range slices.Sorted(maps.Keys(c.Data)) {
			fmt.Fprintf(&b, "  %s at %s: %q\n", k, c.Locate(k), c.Data[k])
		}
		for _, k := range slices.Sorted(maps.Keys(c.BinaryData)) {
			fmt.Fprintf(&b, "  %s at %s: %x\n", k, c.Locate(k), c.BinaryData[k])
		}
	}
	for _, s := range set.Secrets {
		fmt.Fprintf(&b, "secret %s at %s type=%s\n", s.Key, s.Position, s.Type)
		for _, k := range slices.Sorted(maps.Keys(s.Data)) {
			fmt.Fprintf(&b, "  %s at %s: %q\n", k, s.Locate(k), s.Data[k].Reveal())
		}
	}
	for _, m := range set.Missing() {
		fmt.Fprintf(&b, "missing %s\n", m)
	}
	return b.String()
}

func dumpMethod(b *strings.Builder, m resource.Method) {
	fmt.Fprintf(b, "  method %s at %s onUnavailable=%q\n", m.Kind, m.Position, m.OnUnavailable)
	if m.X509 != nil {
		fmt.Fprintf(b, "    ca=%s\n", m.X509.TrustedClientCACert)
		if m.X509.AttributesSecret != "" {
			fmt.Fprintf(b, "    attributes from secret %s\n", m.X509.AttributesSecret)
		}
		for _, r := range m.X509.AuthorizationAttributes {
			fmt.Fprintf(b, "    %s at %s: %q at %s = %v\n", r.Name, r.Position, r.Subject, r.Locate("subject"), r.Attributes)
		}
	}
	if m.ServiceAccountToken != nil {
		s := m.ServiceAccountToken
		fmt.Fprintf(b, "    audiences=%q annotations=%s usernames=%s\n", s.Audiences, s.AnnotationPrefix, s.Usernames)
		if s.Namespaces != nil || s.RevalidateAfter != 0 || s.ReviewAgain {
			fmt.Fprintf(b, "      namespaces=%q revalidateAfter=%v reviewAgain=%t\n", s.Namespaces, s.RevalidateAfter, s.ReviewAgain)
		}
	}
	if m.UsernamePassword != nil {
		fmt.Fprintf(b, "    passwords in secret %s\n", m.UsernamePassword.Secret)
	}
	if m.Custom != nil {
		fmt.Fprintf(b, "    endpoint=%s ca=%q clientCert=%q\n", m.Custom.Endpoint, m.Custom.CACertConfigMap, m.Custom.ClientCertSecret)
		if m.Custom.RequestsPerSecond != 0 {
			fmt.Fprintf(b, "    requestsPerSecond=%d\n", m.Custom.RequestsPerSecond)
		}
		for _, h := range m.Custom.Headers {
			fmt.Fprintf(b, "    %s: %s\n", h.Name, h.Value.Reveal())
		}
	}
}

// TestNotationsAgree reads the tutorial in YAML and in JSON: both mean the same
// set, but for the places.
func TestNotationsAgree(t *testing.T) {
	y, err := resource.Load("testdata/valid/tutorial.yaml")
	if err != nil {
		t.Fatal(err)
	}
	j, err := resource.Load("testdata/valid/tutorial.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(y, j, cmp.FilterPath(isPlace, cmp.Ignore())); diff != "" {
		t.Errorf("(-yaml +json):\n%s", diff)
	}
}

// isPlace leaves out positions and the unexported fields that locate them.
func isPlace(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && (f.Name() == "Position" || strings.ToLower(f.Name()[:1]) == f.Name()[:1])
}
