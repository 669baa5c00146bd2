package kube

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// kind is a kind of objects that is followed.
type kind struct {
	name     string
	group    string                        // of the keys of its objects
	versions []schema.GroupVersionResource // the best first; the first that the cluster serves is followed
	optional bool                          // the cluster need not have it
}

const (
	group = "mqttbroker.iotoperations.azure.com"

	nameBroker         = "Broker"
	nameListener       = "BrokerListener"
	nameAuthentication = "BrokerAuthentication"
	nameAuthorization  = "BrokerAuthorization"
	nameConfigMap      = "ConfigMap"
	nameSecret         = "Secret"
)

// brokerKinds are followed as a whole.
func brokerKinds() []kind {
	var kinds []kind
	for _, k := range [][2]string{
		{nameListener, "brokerlisteners"}, {nameAuthentication, "brokerauthentications"}, {nameAuthorization, "brokerauthorizations"},
	} {
		name, plural := k[0], k[1]
		kinds = append(kinds,
			// Both versions show the same objects, so one of them is followed.
			kind{name: name, versions: versions(group, plural, "v1", "v1beta1")},
			kind{name: name, versions: versions(resource.GroupAzEdge, plural, "v1alpha4"), group: resource.GroupAzEdge, optional: true},
		)
	}
	return append(kinds, kind{name: nameBroker, versions: versions(group, "brokers", "v1"), optional: true})
}

func versions(group, plural string, names ...string) []schema.GroupVersionResource {
	out := make([]schema.GroupVersionResource, len(names))
	for i, name := range names {
		out[i] = schema.GroupVersionResource{Group: group, Version: name, Resource: plural}
	}
	return out
}

// coreKind returns the kind of an object that others refer to. It reports false
// for a kind that is followed as a whole.
func coreKind(name string) (kind, bool) {
	switch name {
	case nameConfigMap:
		return kind{name: name, versions: versions("", "configmaps", "v1")}, true
	case nameSecret:
		return kind{name: name, versions: versions("", "secrets", "v1")}, true
	default:
		return kind{}, false
	}
}

// String returns the name, with a dot and the group after it where a kind of
// another group has the same name.
func (k kind) String() string {
	if k.group != "" {
		return k.name + "." + k.group
	}
	return k.name
}

// identity returns that of an object of the kind.
func (k kind) identity(namespace, name string) identity {
	return identity{k.name, resource.Key{Group: k.group, Namespace: namespace, Name: name}}
}

// identity names an object among all that are followed.
type identity struct {
	kind string
	key  resource.Key
}

// String returns "Kind namespace/name", with the group of the key if it has
// one, which is also what positions of errors say in place of a file.
func (i identity) String() string { return i.kind + " " + i.key.String() }
