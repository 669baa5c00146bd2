package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// TestCurrent fails when a type changed and the files were not written again.
func TestCurrent(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, pattern := range []string{"../*.yaml", "../../schema/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		there = append(there, found...)
	}
	if len(there) != len(files) {
		t.Errorf("%d files, want %d: %q", len(there), len(files), there)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not as generated; run go run . (-want +got):\n%s", name, diff)
		}
	}
}

// server answers as an API server with the shipped definitions would.
type server map[string]*version // by apiVersion and kind

type version struct {
	schema validation.SchemaValidator
	rules  *cel.Validator
	shape  *structuralschema.Structural
	json   *jsonschema.Schema
}

func newServer(t *testing.T) server {
	t.Helper()
	files, err := filepath.Glob("../*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := make(server)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &d); err != nil {
			t.Fatal(err)
		}
		s.add(t, &d)
	}
	return s
}

func (s server) add(t *testing.T, d *apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	for _, v := range d.Spec.Versions {
		var internal apiextensions.CustomResourceValidation
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(v.Schema, &internal, nil); err != nil {
			t.Fatal(err)
		}
		schema, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
		if err != nil {
			t.Fatal(err)
		}
		shape, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
		if err != nil {
			t.Fatal(err)
		}
		forEditors, err := jsonschema.NewCompiler().Compile("../../schema/" + strings.ToLower(d.Spec.Names.Kind) + "-" + v.Name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		s[d.Spec.Group+"/"+v.Name+" "+d.Spec.Names.Kind] = &version{schema, cel.NewValidator(shape, true, celconfig.PerCallLimit), shape, forEditors}
	}
}

// check returns what the API server and the schema for editors say of a document.
func (s server) check(ctx context.Context, t *testing.T, document map[string]any) (problems []string, editors error) {
	t.Helper()
	apiVersion, _ := document["apiVersion"].(string)
	kind, _ := document["kind"].(string)
	v := s[apiVersion+" "+kind]
	if v == nil {
		return nil, nil
	}
	for _, e := range validation.ValidateCustomResource(nil, document, v.schema) {
		problems = append(problems, e.Error())
	}
	broken, _ := v.rules.Validate(ctx, nil, v.shape, document, nil, celconfig.RuntimeCELCostBudget)
	for _, e := range broken {
		problems = append(problems, e.Error())
	}
	return problems, v.json.Validate(document)
}

// TestDefinitions asks the code of the API server whether it would take the
// definitions: structural schemas, and CEL whose cost is bounded.
func TestDefinitions(t *testing.T) {
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) != 7 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var d apiextensionsv1.CustomResourceDefinition
			if err := yaml.UnmarshalStrict(text, &d); err != nil {
				t.Fatal(err)
			}
			apiextensionsv1.SetDefaults_CustomResourceDefinition(&d)
			apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&d.Spec)
			var internal apiextensions.CustomResourceDefinition
			if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&d, &internal, nil); err != nil {
				t.Fatal(err)
			}
			for _, v := range internal.Spec.Versions {
				if v.Storage {
					internal.Status.StoredVersions = append(internal.Status.StoredVersions, v.Name)
				}
			}
			for _, e := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), &internal) {
				t.Error(e)
			}
		})
	}
}

// documents returns the documents of a YAML stream.
func documents(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if document, ok := plain(v).(map[string]any); ok {
			all = append(all, document)
		}
	}
}

// plain turns numbers into what an API server has of them.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
	}
	return v
}

// TestExamplesAreValid holds the schemas against package resource: what it reads,
// an API server and an editor take as well.
func TestExamplesAreValid(t *testing.T) {
	s := newServer(t)
	var files []string
	for _, pattern := range []string{"../../testdata/valid/*.yaml", "../../testdata/valid/*.json", "../../testdata/documents/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resource.Parse(file, text); err != nil {
			continue // wrong on purpose
		}
		for _, document := range documents(t, text) {
			items := []map[string]any{document}
			if list, ok := document["items"].([]any); ok {
				items = nil
				for _, item := range list {
					items = append(items, item.(map[string]any))
				}
			}
			for _, item := range items {
				problems, err := s.check(t.Context(), t, item)
				if len(problems) > 0 || err != nil {
					t.Errorf("%s: API server: %q, editor: %v", file, problems, err)
				}
				apiVersion, _ := item["apiVersion"].(string)
				kind, _ := item["kind"].(string)
				seen[apiVersion+" "+kind] = true
			}
		}
	}
	for _, want := range []string{
		"mqttbroker.iotoperations.azure.com/v1 BrokerListener", "mqttbroker.iotoperations.azure.com/v1 BrokerAuthentication", "mqttbroker.iotoperations.azure.com/v1 BrokerAuthorization",
		"mqttbroker.iotoperations.azure.com/v1beta1 BrokerAuthentication", "az-edge.com/v1alpha4 BrokerAuthentication", "az-edge.com/v1alpha4 BrokerListener",
		"mqttbroker.iotoperations.azure.com/v1 Broker",
	} {
		if !seen[want] {
			t.Errorf("no example of %s", want)
		}
	}
}

// TestRefused says what an API server refuses, in whose words, and whether an
// editor shows it too.
func TestRefused(t *testing.T) {
	s := newServer(t)
	const (
		listener       = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerListener\nmetadata: {name: abc}\nspec:\n  ports:\n  - "
		authentication = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthentication\nmetadata: {name: abc}\nspec:\n  authenticationMethods:\n  - "
		rule           = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata: {name: abc}\nspec:\n  authorizationPolicies:\n    rules:\n    - principals: {}\n      brokerResources:\n      - "
		broker         = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: Broker\nmetadata: {name: abc}\nspec: "
		clients        = broker + "{advanced: {clients: "
		alpha          = "apiVersion: az-edge.com/v1alpha4\nkind: BrokerAuthentication\nmetadata: {name: abc}\nspec:\n  listenerRef: [abc]\n  authenticationMethods:\n  - "
	)
	tests := []struct {
		name, text, want string
		editor           bool
	}{
		{"LINK-4", listener + "{port: 1883, authorizationRef: abc}", "add authenticationRef", false},
		{"no secret", listener + "{port: 1883, tls: {mode: manual}}", "mode Manual wants manual", false},
		{"port", listener + "{port: 65536}", "less than or equal to 65535", true},
		{"enum", listener + "{port: 1, protocol: MQTTS}", "spec.ports[0].protocol", true},
		{"no ports", strings.Replace(listener, "\n  - ", " []", 1), "at least 1 items", true},
		{"settings of another method", authentication + "{method: custom, serviceAccountTokenSettings: {audiences: [a]}}", "method ServiceAccountToken, and no other", false},
		{"settings missing", authentication + "{method: Custom}", "method Custom, and no other, has customSettings", false},
		{"twice", authentication + "{method: X509}\n  - {method: x509}", "more than one X509 method", false},
		{"no audiences", authentication + "{method: ServiceAccountToken, serviceAccountTokenSettings: {audiences: []}}", "at least 1 items", true},
		{"no https", authentication + "{method: Custom, customSettings: {endpoint: 'http://a'}}", "customSettings.endpoint", true},
		{"a name of v1beta1", authentication + "{method: X509, x509Credentials: {trustedClientCaCert: a}}", "x509Credentials is a name of version v1beta1", true},
		{"topics of Connect", rule + "{method: Connect, topics: [a]}", "brokerResources[0]", true},
		{"no topics", rule + "{method: subscribe}", "brokerResources[0]", true},
		{"clientIds of Publish", rule + "{method: Publish, topics: [a], clientIds: [b]}", "brokerResources[0]", true},
		{"an empty map of attributes", strings.Replace(rule, "principals: {}", "principals: {attributes: [{}]}", 1) + "{method: Connect}", "at least 1 properties", true},
		{"a number for a string", strings.Replace(rule, "principals: {}", "principals: {attributes: [{building: 17}]}", 1) + "{method: Connect}", "must be of type string", true},
		{"name", strings.Replace(listener, "abc", "ab", 1) + "{port: 1883}", "metadata.name", true},
		{"two methods in one entry", alpha + "{sat: {audiences: [a]}, x509: {trustedClientCaCert: a}}", "must have at most 1 item", true},
		{"no method in an entry", alpha + "{}", "at least 1 properties", true},
		{"session expiry", clients + "{maxSessionExpirySeconds: 0}}}", "greater than or equal to 1", true},
		{"message expiry", clients + "{maxMessageExpirySeconds: 4294967296}}}", "less than or equal to 4294967295", true},
		{"packet size", clients + "{maxPacketSizeBytes: 268435457}}}", "less than or equal to 268435456", true},
		{"receive maximum", clients + "{maxReceiveMaximum: 65536}}}", "less than or equal to 65535", true},
		{"keep alive", clients + "{maxKeepAliveSeconds: -1}}}", "greater than or equal to 0", true},
		{"queue length", clients + "{subscriberQueueLimit: {length: 0}}}}", "greater than or equal to 1", true},
		{"queue strategy", clients + "{subscriberQueueLimit: {strategy: DropNewest}}}}", "subscriberQueueLimit.strategy", true},
		{"a limit in words", clients + "{maxReceiveMaximum: '7'}}}", "must be of type integer", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems, err := s.check(t.Context(), t, documents(t, []byte(tt.text))[0])
			if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tt.want) }) {
				t.Errorf("API server: %q, want %q", problems, tt.want)
			}
			if (err != nil) != tt.editor {
				t.Errorf("editor: %v", err)
			}
			if _, err := resource.Parse("f.yaml", []byte(tt.text)); err == nil {
				t.Error("package resource takes it")
			}
		})
	}
}

// TestIgnoredFieldsOfBroker says that fields without effect may hold anything,
// also in a cluster, and what stands beside them is checked.
func TestIgnoredFieldsOfBroker(t *testing.T) {
	const head = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: Broker\nmetadata: {name: abc}\n"
	s := newServer(t)
	for _, text := range []string{
		head,
		head + "spec: {}",
		head + "spec: {memoryProfile: Tiny, cardinality: {frontend: {replicas: 2}}, generateResourceLimits: {cpu: true}, persistence: [1, a]}",
		head + "spec: {diagnostics: 7, diskBackedMessageBuffer: {x: {y: z}}, advanced: {encryptInternalTraffic: Enabled, internalCerts: {a: 1}}}",
	} {
		document := documents(t, []byte(text))[0]
		if problems, err := s.check(t.Context(), t, document); len(problems) > 0 || err != nil {
			t.Errorf("%s\nAPI server: %q, editor: %v", text, problems, err)
		}
		before, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		pruning.Prune(document, s["mqttbroker.iotoperations.azure.com/v1 Broker"].shape, true)
		if after, err := json.Marshal(document); err != nil || string(after) != string(before) {
			t.Errorf("an API server makes %s of it, %v", after, err)
		}
		if _, err := resource.Parse("f.yaml", []byte(text)); err != nil {
			t.Error(err)
		}
	}
}

// TestOlderFieldsAreKept writes an object of v1beta1 as an API server stores it,
// through the schema of v1: nothing is cut off.
func TestOlderFieldsAreKept(t *testing.T) {
	s := newServer(t)
	const group = "mqttbroker.iotoperations.azure.com/"
	for _, kind := range []string{" BrokerListener", " BrokerAuthentication", " BrokerAuthorization"} {
		older, stored := s[group+"v1beta1"+kind], s[group+"v1"+kind]
		if missing := missingFrom(stored.shape, older.shape, ""); len(missing) > 0 {
			t.Errorf("%s: the stored version loses %q", kind, missing)
		}
	}
}

func missingFrom(stored, older *structuralschema.Structural, path string) []string {
	var missing []string
	for name, theirs := range older.Properties {
		ours, ok := stored.Properties[name]
		if !ok {
			missing = append(missing, path+"."+name)
			continue
		}
		missing = append(missing, missingFrom(&ours, &theirs, path+"."+name)...)
	}
	if older.Items != nil {
		missing = append(missing, missingFrom(stored.Items, older.Items, path+"[]")...)
	}
	return missing
}
