package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BrokerListener is a number of ports on which the broker accepts clients.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
type BrokerListener struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerListenerSpec `json:"spec"`
	Status Status             `json:"status,omitempty"`
}

// BrokerListenerSpec has at least one port.
type BrokerListenerSpec struct {
	// BrokerRef is validated and not acted on.
	BrokerRef Name `json:"brokerRef,omitempty"`

	// ServiceName is validated and not acted on.
	ServiceName Label `json:"serviceName,omitempty"`

	// ServiceType is validated and not acted on.
	ServiceType ServiceType `json:"serviceType,omitempty"`

	// Ports are what clients connect to.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=port
	Ports []Port `json:"ports"`
}

// ServiceType is the kind of a Kubernetes service.
//
// +kubebuilder:validation:Enum=ClusterIp;LoadBalancer;NodePort
type ServiceType string

// PortNumber is a TCP port.
//
// +kubebuilder:validation:Minimum=0
// +kubebuilder:validation:Maximum=65535
type PortNumber int32

// Port is one port and what it asks of its clients.
//
// +kubebuilder:validation:XValidation:rule="!has(self.authorizationRef) || has(self.authenticationRef)",message="without authenticationRef the authorization would not apply; add authenticationRef"
type Port struct {
	// Port is the number.
	Port PortNumber `json:"port"`

	// NodePort is validated and not acted on.
	NodePort PortNumber `json:"nodePort,omitempty"`

	// Protocol is what the port speaks below MQTT. Default: Mqtt.
	Protocol Protocol `json:"protocol,omitempty"`

	// AuthenticationRef names a BrokerAuthentication. Absent: EVERY CLIENT IS LET
	// IN.
	AuthenticationRef Name `json:"authenticationRef,omitempty"`

	// AuthorizationRef names a BrokerAuthorization. Absent: clients may do
	// everything.
	AuthorizationRef Name `json:"authorizationRef,omitempty"`

	// TLS says where the server certificate comes from. Absent: no TLS.
	TLS *TLS `json:"tls,omitempty"`
}

// Protocol is what a port speaks below MQTT.
//
// +kubebuilder:validation:Enum=Mqtt;WebSockets
type Protocol string

// TLS says where a server certificate comes from.
//
// +kubebuilder:validation:XValidation:rule="self.mode.lowerAscii() == 'manual' ? has(self.manual) && !has(self.certManagerCertificateSpec) : !has(self.manual)",message="mode Manual wants manual, mode Automatic certManagerCertificateSpec"
type TLS struct {
	Mode TLSMode `json:"mode"`

	// Manual names the secret, for mode Manual.
	Manual *Manual `json:"manual,omitempty"`

	// CertManagerCertificateSpec is what to ask cert-manager for, in mode Automatic.
	CertManagerCertificateSpec *CertManagerCertificateSpec `json:"certManagerCertificateSpec,omitempty"`
}

// TLSMode is a way to get a certificate.
//
// +kubebuilder:validation:Enum=Manual;Automatic
// +kubebuilder:validation:MaxLength=9
type TLSMode string

// Manual names a secret of type kubernetes.io/tls.
type Manual struct {
	SecretRef ObjectName `json:"secretRef"`

	// Namespace may only repeat that of the resource.
	Namespace Label `json:"namespace,omitempty"`
}

// CertManagerCertificateSpec describes a certificate.
type CertManagerCertificateSpec struct {
	Duration    Duration    `json:"duration,omitempty"`
	RenewBefore Duration    `json:"renewBefore,omitempty"`
	SecretName  ObjectName  `json:"secretName,omitempty"`
	IssuerRef   IssuerRef   `json:"issuerRef"`
	PrivateKey  *PrivateKey `json:"privateKey,omitempty"`
	SAN         *SAN        `json:"san,omitempty"`
}

// IssuerRef names an issuer of cert-manager.
type IssuerRef struct {
	Name Text       `json:"name"`
	Kind IssuerKind `json:"kind"`

	// Group is cert-manager.io when absent.
	Group Text `json:"group,omitempty"`
}

// IssuerKind is a kind of cert-manager.
//
// +kubebuilder:validation:Enum=Issuer;ClusterIssuer
type IssuerKind string

// PrivateKey says what key to make.
type PrivateKey struct {
	Algorithm      KeyAlgorithm   `json:"algorithm"`
	RotationPolicy RotationPolicy `json:"rotationPolicy"`
}

// KeyAlgorithm is a kind of key.
//
// +kubebuilder:validation:Enum=Ec256;Ec384;Ec521;Ed25519;Rsa2048;Rsa4096;Rsa8192
type KeyAlgorithm string

// RotationPolicy says when a new key is made.
//
// +kubebuilder:validation:Enum=Always;Never
type RotationPolicy string

// SAN holds the names of the server.
type SAN struct {
	DNS []Text `json:"dns"`
	IP  []Text `json:"ip"`
}
