package resource

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/nearest"
)

// decoder reads the documents of one file into a set and collects what is
// wrong with them.
type decoder struct {
	file   string
	set    *Set
	errors Errors
	secret bool // the values being read must not be repeated in messages

	olderNames     bool // the document may call fields as v1beta1 does
	lowerClientIDs bool // the document may write clientids as v1alpha4 does
}

// decode reads a file of either notation: JSON if its name ends in ".json",
// YAML otherwise.
func (d *decoder) decode(data []byte) {
	for _, root := range d.parse(data) {
		d.document(&field{decoder: d, node: root, at: root.pos})
	}
}

// parse returns the values of a file.
func (d *decoder) parse(data []byte) []*node {
	parse, most := d.parseYAML, maxYAMLMarks
	if strings.EqualFold(filepath.Ext(d.file), ".json") {
		parse, most = d.parseJSON, maxMarks
	}
	data, problem := checkText(d.file, data, most)
	if problem != nil {
		d.errors = append(d.errors, problem)
		return nil
	}
	return parse(data)
}

// report adds an error, up to maxErrors for one file.
func (d *decoder) report(at place, path, detail string) {
	switch {
	case len(d.errors) < maxErrors:
		d.errors = append(d.errors, &Error{Position: at.in(d.file), Field: path, Detail: detail})
	case len(d.errors) == maxErrors:
		d.errors = append(d.errors, &Error{Position: at.in(d.file), Detail: "too many errors; the rest of this file is not reported"})
	}
}

const (
	groupV1       = "mqttbroker.iotoperations.azure.com/v1"
	groupV1beta1  = "mqttbroker.iotoperations.azure.com/v1beta1"
	groupV1alpha4 = GroupAzEdge + "/v1alpha4"
	coreV1        = "v1"

	kindBroker         = "Broker"
	kindListener       = "BrokerListener"
	kindAuthentication = "BrokerAuthentication"
	kindAuthorization  = "BrokerAuthorization"
	kindConfigMap      = "ConfigMap"
	kindSecret         = "Secret"
	kindList           = "List"
)

// schema says how to read one kind of one version.
type schema struct {
	apiVersion, kind string
	name             func(string) string // the rule of its names
	read             func(document)
}

// schemas lists all that can be read. A further version adds its entries here
// and one file with its readers.
func schemas() []schema {
	return []schema{
		{groupV1, kindBroker, brokerName, readBrokerV1},
		{groupV1, kindListener, brokerName, readListenerV1},
		{groupV1, kindAuthentication, brokerName, readAuthenticationV1},
		{groupV1, kindAuthorization, brokerName, readAuthorizationV1},
		{groupV1beta1, kindListener, brokerName, readListenerV1beta1},
		{groupV1beta1, kindAuthentication, brokerName, readAuthenticationV1beta1},
		{groupV1beta1, kindAuthorization, brokerName, readAuthorizationV1beta1},
		{groupV1alpha4, kindListener, brokerName, readListenerV1alpha4},
		{groupV1alpha4, kindAuthentication, brokerName, readAuthenticationV1alpha4},
		{groupV1alpha4, kindAuthorization, brokerName, readAuthorizationV1alpha4},
		{coreV1, kindConfigMap, coreName, readConfigMap},
		{coreV1, kindSecret, coreName, readSecret},
	}
}

// document is one object while it is read.
type document struct {
	*object
	set      *Set
	position Position
	key      Key
	settings map[string]*field // annotations mqttwarden/…, without the prefix; taken out when read
}

// document reads one document of any known kind, or a List of them.
func (d *decoder) document(root *field) {
	o := root.object()
	if o.broken {
		return
	}
	apiVersion, kind := d.readHead(o)
	if apiVersion == "" || kind == "" {
		return
	}
	if apiVersion == coreV1 && kind == kindList {
		d.list(o)
		return
	}
	s, ok := findSchema(o, apiVersion, kind)
	if !ok {
		return
	}
	d.secret = kind == kindSecret
	defer func() { d.secret = false }()
	doc := document{object: o, set: d.set, position: root.position()}
	doc.readMetadata(s.name)
	if apiVersion == groupV1alpha4 {
		doc.key.Group = GroupAzEdge
	}
	s.read(doc)
	doc.refuseSettings()
	o.done()
}

// readHead reads version and kind. Where they are missing from a fragment that
// shows what it is, it says what to write.
func (d *decoder) readHead(o *object) (apiVersion, kind string) {
	var versionAdvice, kindAdvice string
	spec := o.node.value("spec")
	for _, known := range [][2]string{{"ports", kindListener}, {"authenticationMethods", kindAuthentication}, {"authorizationPolicies", kindAuthorization}} {
		if spec != nil && spec.value(known[0]) != nil {
			versionAdvice, kindAdvice = "; write apiVersion: "+groupV1, "; write kind: "+known[1]
		}
	}
	apiVersion = o.requiredWith("apiVersion", versionAdvice).text()
	kind = o.requiredWith("kind", kindAdvice).text()
	return apiVersion, kind
}

// list reads the objects that kubectl prints when asked for several.
func (d *decoder) list(o *object) {
	o.ignored("metadata")
	for _, item := range o.required("items").list() {
		kind := item.node.value("kind")
		if kind != nil && kind.text == kindList {
			item.errorf("a List in a List is not allowed")
			continue
		}
		d.document(item)
	}
	o.done()
}

// findSchema reports an unknown kind or version. An unknown kind is an error,
// never ignored: it may be a misspelt one, and what it would have forbidden
// would then be allowed.
func findSchema(o *object, apiVersion, kind string) (schema, bool) {
	var kinds, versions, all []string // of this version, of this kind, kinds of any version
	for _, s := range schemas() {
		if s.apiVersion == apiVersion && s.kind == kind {
			return s, true
		}
		if !slices.Contains(all, s.kind) {
			all = append(all, s.kind)
		}
		if s.apiVersion == apiVersion {
			kinds = append(kinds, s.kind)
		}
		if s.kind == kind {
			versions = append(versions, s.apiVersion)
		}
	}
	switch {
	case len(versions) > 0:
		o.optional("apiVersion").errorf("unknown version %s of %s; want %s", quote(apiVersion), kind, alternatives(versions))
	case len(kinds) > 0:
		detail := "want " + alternatives(kinds)
		if near := nearest.Word(kind, kinds); near != "" {
			detail = "did you mean " + near + "?"
		}
		o.optional("kind").errorf("unknown kind %s of %s; %s", quote(kind), apiVersion, detail)
	default:
		o.optional("kind").errorf("unknown kind %s of %s; known kinds are %s", quote(kind), quote(apiVersion), strings.Join(all, ", "))
	}
	return schema{}, false
}
