package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-tools/pkg/crd"
	crdmarkers "sigs.k8s.io/controller-tools/pkg/crd/markers"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
	"sigs.k8s.io/yaml"
)

// generate returns the files by name, relative to this folder.
func generate() (map[string][]byte, error) {
	definitions, err := definitions()
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, d := range definitions {
		kind := strings.ToLower(d.Spec.Names.Kind)
		for _, v := range d.Spec.Versions {
			text, err := jsonSchema(d, v)
			if err != nil {
				return nil, err
			}
			files["../../schema/"+kind+"-"+v.Name+".json"] = text
		}
		storeOlderNames(d)
		text, err := definitionYAML(d)
		if err != nil {
			return nil, err
		}
		files["../"+d.Name+".yaml"] = text
	}
	return files, nil
}

// definitions reads the types.
func definitions() ([]*apiextensions.CustomResourceDefinition, error) {
	roots, err := loader.LoadRoots("./v1", "./v1beta1", "./v1alpha4")
	if err != nil {
		return nil, err
	}
	registry := &markers.Registry{}
	if err := crdmarkers.Register(registry); err != nil {
		return nil, err
	}
	parser := &crd.Parser{Collector: &markers.Collector{Registry: registry}, Checker: &loader.TypeChecker{}}
	crd.AddKnownTypes(parser)
	for _, root := range roots {
		parser.NeedPackage(root)
	}
	kinds := crd.FindKubeKinds(parser, crd.FindMetav1(roots))
	slices.SortFunc(kinds, func(a, b schema.GroupKind) int { return cmp.Compare(a.String(), b.String()) })
	var out []*apiextensions.CustomResourceDefinition
	for _, kind := range kinds {
		parser.NeedCRDFor(kind, nil)
		d := parser.CustomResourceDefinitions[kind]
		crd.FixTopLevelMetadata(d)
		for i := range d.Spec.Versions {
			complete(d.Spec.Versions[i].Schema.OpenAPIV3Schema)
		}
		out = append(out, &d)
	}
	for _, root := range roots {
		for _, err := range root.Errors {
			return nil, fmt.Errorf("%s: %w", root.PkgPath, err)
		}
	}
	return out, nil
}

// complete says what markers cannot.
func complete(root *apiextensions.JSONSchemaProps) {
	least, most := int64(3), int64(63)
	root.Properties["metadata"] = apiextensions.JSONSchemaProps{Type: "object", Properties: map[string]apiextensions.JSONSchemaProps{
		"name": {Type: "string", MinLength: &least, MaxLength: &most, Pattern: `^[a-z0-9][a-z0-9-]*[a-z0-9]$`},
	}}
	spec := root.Properties["spec"]
	change(&spec, anyCase)
	change(&spec, rightsByMethod)
	root.Properties["spec"] = spec
}

// change calls f for a schema and all below it.
func change(s *apiextensions.JSONSchemaProps, f func(*apiextensions.JSONSchemaProps)) {
	for name, p := range s.Properties {
		change(&p, f)
		s.Properties[name] = p
	}
	if s.Items != nil {
		change(s.Items.Schema, f)
	}
	if s.AdditionalProperties != nil {
		change(s.AdditionalProperties.Schema, f)
	}
	f(s)
}

// anyCase lets the words of an enum be written in any letter case (LINK-8). The
// enum stays, so that editors propose the words.
func anyCase(s *apiextensions.JSONSchemaProps) {
	if len(s.Enum) == 0 {
		return
	}
	var words []string
	for _, word := range s.Enum {
		words = append(words, strings.Trim(string(word.Raw), `"`))
	}
	s.AnyOf = []apiextensions.JSONSchemaProps{{Enum: s.Enum}, {Pattern: patternOf(words...)}}
	s.Enum = nil
}

// patternOf returns a regular expression, in what all dialects share, that
// matches words in any letter case.
func patternOf(words ...string) string {
	patterns := make([]string, 0, len(words))
	for _, word := range words {
		var b strings.Builder
		for _, r := range word {
			upper, lower := strings.ToUpper(string(r)), strings.ToLower(string(r))
			if upper == lower {
				b.WriteRune(r)
				continue
			}
			b.WriteString("[" + upper + lower + "]")
		}
		patterns = append(patterns, b.String())
	}
	return "^(" + strings.Join(patterns, "|") + ")$"
}

// rightsByMethod says which fields go with which method of a right (AUTHZ-4). It
// is no CEL, whose cost is bounded for all rules together.
func rightsByMethod(s *apiextensions.JSONSchemaProps) {
	_, isRight := s.Properties["topics"]
	if !isRight {
		return
	}
	none, one := int64(0), int64(1)
	s.AnyOf = []apiextensions.JSONSchemaProps{
		{Properties: map[string]apiextensions.JSONSchemaProps{
			"method": {Pattern: patternOf("Connect")},
			"topics": {MaxItems: &none},
		}},
		{Required: []string{"topics"}, Properties: map[string]apiextensions.JSONSchemaProps{
			"method":    {Pattern: patternOf("Publish", "Subscribe")},
			"topics":    {MinItems: &one},
			"clientIds": {MaxItems: &none},
		}},
	}
}

// storeOlderNames adds the fields of the older versions to the one that is
// stored. Without a webhook that converts, an API server stores an object of any
// version as it is, and cuts off what the stored version does not know: a
// settings object would be lost, and with it whom to trust. Through the stored
// version itself the fields cannot be written.
func storeOlderNames(d *apiextensions.CustomResourceDefinition) {
	stored := slices.IndexFunc(d.Spec.Versions, func(v apiextensions.CustomResourceDefinitionVersion) bool { return v.Storage })
	if stored < 0 { // a single version
		stored = 0
		d.Spec.Versions[0].Storage = true
	}
	for i, v := range d.Spec.Versions {
		if i != stored {
			addMissing(d.Spec.Versions[stored].Schema.OpenAPIV3Schema, v.Schema.OpenAPIV3Schema, v.Name)
		}
	}
}

func addMissing(to, from *apiextensions.JSONSchemaProps, version string) {
	names := make([]string, 0, len(from.Properties))
	for name := range from.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		theirs := from.Properties[name]
		ours, ok := to.Properties[name]
		if !ok {
			to.Properties[name] = theirs
			to.XValidations = append(to.XValidations, apiextensions.ValidationRule{
				Rule:    "!has(self." + name + ")",
				Message: name + " is a name of version " + version,
			})
			continue
		}
		addMissing(&ours, &theirs, version)
		to.Properties[name] = ours
	}
	if to.Items != nil {
		addMissing(to.Items.Schema, from.Items.Schema, version)
	}
}

// definitionYAML writes a definition without what only a cluster says.
func definitionYAML(d *apiextensions.CustomResourceDefinition) ([]byte, error) {
	d.APIVersion, d.Kind = apiextensions.SchemeGroupVersion.String(), "CustomResourceDefinition"
	text, err := yaml.Marshal(struct {
		APIVersion string                                     `json:"apiVersion"`
		Kind       string                                     `json:"kind"`
		Metadata   map[string]any                             `json:"metadata"`
		Spec       apiextensions.CustomResourceDefinitionSpec `json:"spec"`
	}{d.APIVersion, d.Kind, map[string]any{"name": d.Name}, d.Spec})
	if err != nil {
		return nil, err
	}
	return append([]byte("# Written by the generator in gen; do not edit.\n"), text...), nil
}
