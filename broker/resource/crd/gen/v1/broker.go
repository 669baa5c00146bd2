package v1

import (
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Broker holds settings of the whole server, of which there is one at most. Those
// of its clients are applied when the program starts; the others are accepted
// whatever they hold, and have no effect.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
type Broker struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   *BrokerSpec `json:"spec,omitempty"`
	Status Status      `json:"status,omitempty"`
}

// BrokerSpec is what a broker is asked to be.
type BrokerSpec struct {
	// Advanced holds the limits of clients. Default: none.
	Advanced *Advanced `json:"advanced,omitempty"`

	// Cardinality has no effect. Default: none.
	Cardinality *apiextensions.JSON `json:"cardinality,omitempty"`

	// Diagnostics has no effect. Default: none.
	Diagnostics *apiextensions.JSON `json:"diagnostics,omitempty"`

	// DiskBackedMessageBuffer has no effect. Default: none.
	DiskBackedMessageBuffer *apiextensions.JSON `json:"diskBackedMessageBuffer,omitempty"`

	// GenerateResourceLimits has no effect. Default: none.
	GenerateResourceLimits *apiextensions.JSON `json:"generateResourceLimits,omitempty"`

	// MemoryProfile has no effect. Default: none.
	MemoryProfile *apiextensions.JSON `json:"memoryProfile,omitempty"`

	// Persistence has no effect. Default: none.
	Persistence *apiextensions.JSON `json:"persistence,omitempty"`
}

// Advanced holds the limits of clients.
type Advanced struct {
	// Clients limits what clients may ask for. Default: that of each field.
	Clients *Clients `json:"clients,omitempty"`

	// EncryptInternalTraffic has no effect. Default: none.
	EncryptInternalTraffic *apiextensions.JSON `json:"encryptInternalTraffic,omitempty"`

	// InternalCerts has no effect. Default: none.
	InternalCerts *apiextensions.JSON `json:"internalCerts,omitempty"`
}

// Clients limits what clients may ask for.
type Clients struct {
	// MaxSessionExpirySeconds is how long a session lives at most without a
	// connection, in seconds. Default: 86400.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4294967295
	MaxSessionExpirySeconds int64 `json:"maxSessionExpirySeconds,omitempty"`

	// MaxMessageExpirySeconds is how long a message waits at most, in seconds.
	// Default: no limit.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4294967295
	MaxMessageExpirySeconds int64 `json:"maxMessageExpirySeconds,omitempty"`

	// MaxPacketSizeBytes is the greatest size of a packet, its header included, in
	// bytes. Default: 4194304.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=268435456
	MaxPacketSizeBytes int64 `json:"maxPacketSizeBytes,omitempty"`

	// MaxReceiveMaximum is how many messages of a client may be unacknowledged.
	// Default: 1024.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	MaxReceiveMaximum int32 `json:"maxReceiveMaximum,omitempty"`

	// MaxKeepAliveSeconds is the longest keep alive interval, in seconds; 0 is no
	// limit. Default: no limit.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	MaxKeepAliveSeconds int32 `json:"maxKeepAliveSeconds,omitempty"`

	// SubscriberQueueLimit limits the messages that wait for one session. Default:
	// that of each field.
	SubscriberQueueLimit *SubscriberQueueLimit `json:"subscriberQueueLimit,omitempty"`
}

// SubscriberQueueLimit limits the messages that wait for one session.
type SubscriberQueueLimit struct {
	// Length is how many messages may wait. Default: 10000.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	Length int64 `json:"length,omitempty"`

	// Strategy says what is dropped above that: the newest, or the oldest.
	// Default: None.
	Strategy QueueStrategy `json:"strategy,omitempty"`
}

// QueueStrategy says what a full queue drops.
//
// +kubebuilder:validation:Enum=None;DropOldest
type QueueStrategy string
