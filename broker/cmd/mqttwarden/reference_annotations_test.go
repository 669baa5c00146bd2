package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// annotated are documents that take annotations of every kind, by where the
// reference lists them.
var annotated = map[string]string{
	"BrokerListener": "spec: {ports: [{port: 8080, protocol: WebSockets}]}",
	"BrokerAuthentication": "spec: {authenticationMethods: [" +
		"{method: ServiceAccountToken, serviceAccountTokenSettings: {audiences: [a]}}, {method: X509}, " +
		"{method: Custom, customSettings: {endpoint: 'https://a'}}]}",
	"BrokerAuthorization": "spec: {authorizationPolicies: {rules: []}}",
}

// LINK-10: the reference lists the annotations that there are, with values that
// they take.
func TestReferenceAnnotations(t *testing.T) {
	text, err := os.ReadFile("../../REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	kind := ""
	row := regexp.MustCompile("^\\| `(mqttwarden/[^`]+)` \\| ([^|]+) \\|")
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "On a "), "On an "), ":"); ok && strings.HasPrefix(line, "On a") {
			kind, _, _ = strings.Cut(name, ";")
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		listed = append(listed, m[1])
		values := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(m[2], -1)
		if len(values) == 0 {
			t.Errorf("%s: the reference shows no value", m[1])
		}
		for _, v := range values {
			if err := annotate(kind, m[1], v[1]); err != nil {
				t.Errorf("%s: %q: %v", m[1], v[1], err)
			}
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(known(t), listed); diff != "" {
		t.Errorf("annotations that are read, and those of the reference (-want +got)\n%s", diff)
	}
}

// annotate reads a document of a kind with an annotation.
func annotate(kind, name, value string) error {
	index := "0"
	switch {
	case strings.HasSuffix(name, "-stale-crl"):
		index = "1"
	case strings.HasSuffix(name, "-requests-per-second"):
		index = "2"
	}
	name = strings.NewReplacer("<index>", index, "<number>", "8080").Replace(name)
	also := ""
	if strings.HasSuffix(name, "-review-again") {
		also = `, mqttwarden/method-0-revalidate-after: "1m"`
	}
	document := fmt.Sprintf("apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: %s\nmetadata: {name: example, annotations: {%s: %q%s}}\n%s\n",
		kind, name, value, also, annotated[kind])
	_, err := resource.Parse("document.yaml", []byte(document))
	return err
}

// known returns the annotations that the error about an unknown one names.
func known(t *testing.T) []string {
	t.Helper()
	err := annotate("BrokerAuthorization", "mqttwarden/unknown", "x")
	if err == nil {
		t.Fatal("an unknown annotation is taken")
	}
	_, list, _ := strings.Cut(err.Error(), "unknown setting; ")
	names := regexp.MustCompile(`mqttwarden/[a-z<>-]+| -[a-z-]+`).FindAllString(list, -1)
	for i, n := range names {
		names[i] = strings.Replace(n, " -", "mqttwarden/method-<index>-", 1)
	}
	slices.Sort(names)
	return names
}
