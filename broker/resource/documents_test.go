package resource_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

const (
	headV1      = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthentication\nmetadata: {name: completed}\n"
	headV1beta1 = "apiVersion: mqttbroker.iotoperations.azure.com/v1beta1\nkind: BrokerAuthentication\nmetadata: {name: completed, namespace: azure-iot-operations}\n"
	headRule    = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata: {name: completed}\n" +
		"spec:\n  authorizationPolicies:\n    rules:\n    - principals: {clientIds: [a]}\n      brokerResources: [{method: Connect}]\n"
)

// parts says what stands around a part of a document, and how deep it is.
var parts = map[string]struct {
	before string
	indent int
}{
	"spec":         {strings.Replace(headV1, "completed}", "completed, namespace: azure-iot-operations}", 1), 0},
	"spec-v1beta1": {headV1beta1, 0},
	"method":       {headV1 + "spec:\n  authenticationMethods:\n  - method: X509\n", 4},
	"rule":         {headRule, 6},
}

// example is a line of testdata/documents/INDEX.
type example struct{ name, how string }

func readIndex(t *testing.T) (read []example, unread int) {
	t.Helper()
	index, err := os.ReadFile("testdata/documents/INDEX")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(index)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		source, number, ok := strings.Cut(f[0], ":")
		if !ok || len(f) < 3 {
			t.Fatalf("INDEX: %s", line)
		}
		if f[2] == "-" {
			unread++
			continue
		}
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil {
			t.Fatalf("INDEX: %s: %v", line, err)
		}
		read = append(read, example{fmt.Sprintf("%s-%03d.%s", source, n, f[1]), f[2]})
	}
	return read, unread
}

// TestDocuments reads every example of the documents, and compares what it means,
// or what is wrong with it, with the golden file beside it.
func TestDocuments(t *testing.T) {
	read, unread := readIndex(t)
	if len(read) != 37 || unread != 12 {
		t.Errorf("%d examples are read and %d are not; the documents have 37 and 12", len(read), unread)
	}
	files, err := filepath.Glob("testdata/documents/*-[0-9]*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".golden")
		if !slices.ContainsFunc(read, func(e example) bool { return e.name == name }) {
			t.Errorf("%s is not in the index", file)
		}
	}
	for _, e := range read {
		t.Run(e.name, func(t *testing.T) {
			file := filepath.Join("testdata/documents", e.name)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, file+".golden", readExample(t, e, data))
		})
	}
}

func readExample(t *testing.T, e example, data []byte) string {
	t.Helper()
	switch e.how {
	case "document":
		return dump(resource.Parse(e.name, data))
	case "rules":
		a, err := resource.ParseRules(e.name, data)
		return dump(&resource.Set{Authorizations: []*resource.Authorization{a}}, err)
	case "x509":
		x, err := resource.ParseX509(e.name, data)
		m := resource.Method{Kind: resource.MethodX509, X509: x}
		return dump(&resource.Set{Authentications: []*resource.Authentication{{Methods: []resource.Method{m}}}}, err)
	case "users":
		return dumpUsers(resource.ParseUsers(e.name, data))
	}
	p, ok := parts[e.how]
	if !ok {
		t.Fatalf("the index says %q", e.how)
	}
	indent := strings.Repeat(" ", p.indent)
	completed := p.before + indent + strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), "\n", "\n"+indent) + "\n"
	return "# as printed\n" + dump(resource.Parse(e.name, data)) +
		"# with the rest of the document around it\n" + dump(resource.Parse(e.name, []byte(completed)))
}

func dumpUsers(users []resource.UserEntry, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, u := range users {
		fmt.Fprintf(&b, "user %s at %s %v\n  %s\n", u.Name, u.Position, u.Attributes, u.Password.Reveal())
	}
	return b.String()
}

// Every example that is refused says where: line and column.
func TestDocumentErrorsHavePlaces(t *testing.T) {
	read, _ := readIndex(t)
	wrong := 0
	for _, e := range read {
		data, err := os.ReadFile(filepath.Join("testdata/documents", e.name))
		if err != nil {
			t.Fatal(err)
		}
		if e.how != "document" && e.how != "rules" {
			continue
		}
		var errs resource.Errors
		if e.how == "document" {
			_, err = resource.Parse(e.name, data)
		} else {
			_, err = resource.ParseRules(e.name, data)
		}
		if !errors.As(err, &errs) {
			continue
		}
		wrong++
		for _, one := range errs {
			if one.Position.Line < 1 || one.Position.Column < 1 {
				t.Errorf("%v", one)
			}
		}
	}
	if wrong == 0 {
		t.Error("no example is wrong")
	}
}
