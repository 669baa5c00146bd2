package kube

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// kind is a kind of objects that is followed.
type kind struct {
	name     string
	resource schema.GroupVersionResource
	optional bool // the cluster need not have it
}

const (
	group   = "mqttbroker.iotoperations.azure.com"
	version = "v1"

	nameBroker         = "Broker"
	nameListener       = "BrokerListener"
	nameAuthentication = "BrokerAuthentication"
	nameAuthorization  = "BrokerAuthorization"
	nameConfigMap      = "ConfigMap"
	nameSecret         = "Secret"
)

// brokerKinds are followed as a whole.
func brokerKinds() []kind {
	return []kind{
		brokerKind(nameListener, "brokerlisteners"),
		brokerKind(nameAuthentication, "brokerauthentications"),
		brokerKind(nameAuthorization, "brokerauthorizations"),
		{name: nameBroker, resource: brokerKind(nameBroker, "brokers").resource, optional: true},
	}
}

func brokerKind(name, plural string) kind {
	return kind{name: name, resource: schema.GroupVersionResource{Group: group, Version: version, Resource: plural}}
}

// coreKind returns the kind of an object that others refer to. It reports false
// for a kind that is followed as a whole.
func coreKind(name string) (kind, bool) {
	switch name {
	case nameConfigMap:
		return kind{name: name, resource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}}, true
	case nameSecret:
		return kind{name: name, resource: schema.GroupVersionResource{Version: "v1", Resource: "secrets"}}, true
	default:
		return kind{}, false
	}
}

// identity names an object among all that are followed.
type identity struct {
	kind string
	key  resource.Key
}

// String returns "Kind namespace/name", which is also what positions of errors
// say in place of a file.
func (i identity) String() string { return i.kind + " " + i.key.String() }
