package main

import (
	"bytes"
	"encoding/json"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// jsonSchema returns the schema of one kind and version for editors: that of the
// definition without what only Kubernetes knows, and closed to unknown fields.
func jsonSchema(d *apiextensions.CustomResourceDefinition, v apiextensions.CustomResourceDefinitionVersion) ([]byte, error) {
	text, err := json.Marshal(v.Schema.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	closeSchema(root)
	properties := root["properties"].(map[string]any)
	properties["apiVersion"] = map[string]any{"const": d.Spec.Group + "/" + v.Name}
	properties["kind"] = map[string]any{"const": d.Spec.Names.Kind}
	properties["metadata"].(map[string]any)["additionalProperties"] = true
	properties["metadata"].(map[string]any)["required"] = []string{"name"}
	properties["status"] = map[string]any{"type": "object"}
	root["required"] = append([]string{"apiVersion", "kind"}, v.Schema.OpenAPIV3Schema.Required...)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = d.Spec.Names.Kind + " " + d.Spec.Group + "/" + v.Name
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// closeSchema refuses unknown fields in a schema and all below it.
func closeSchema(s map[string]any) {
	for key := range s {
		if strings.HasPrefix(key, "x-kubernetes-") {
			delete(s, key)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for _, p := range properties {
		closeSchema(p.(map[string]any))
	}
	if _, open := s["additionalProperties"]; properties != nil && !open {
		s["additionalProperties"] = false
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if below, ok := s[key].(map[string]any); ok {
			closeSchema(below)
		}
	}
}
