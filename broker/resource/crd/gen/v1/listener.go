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
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef Name `json:"brokerRef,omitempty"`

	// ServiceName is checked and not acted on: the manifests of the broker make
	// the service. Default: none.
	ServiceName Label `json:"serviceName,omitempty"`

	// ServiceType is checked and not acted on. Default: none.
	ServiceType ServiceType `json:"serviceType,omitempty"`

	// Ports are what clients connect to. No number may be there twice, in all
	// listeners together.
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
	// Port is the number of the TCP port. The broker refuses 0.
	Port PortNumber `json:"port"`

	// NodePort is checked and not acted on. Default: none.
	NodePort PortNumber `json:"nodePort,omitempty"`

	// Protocol is what the port speaks below MQTT. Default: Mqtt.
	Protocol Protocol `json:"protocol,omitempty"`

	// AuthenticationRef names the BrokerAuthentication, of the same namespace,
	// that says who clients are. Default: none: EVERY CLIENT IS LET IN.
	AuthenticationRef Name `json:"authenticationRef,omitempty"`

	// AuthorizationRef names the BrokerAuthorization, of the same namespace, that
	// says what clients may do; it needs authenticationRef beside it. Default:
	// none: clients may do everything.
	AuthorizationRef Name `json:"authorizationRef,omitempty"`

	// TLS says where the server certificate comes from. A port with method X509
	// needs it. Default: no TLS.
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
	// Mode says who makes the certificate: the operator, or cert-manager.
	Mode TLSMode `json:"mode"`

	// Manual names the secret; mode Manual needs it. Default: none.
	Manual *Manual `json:"manual,omitempty"`

	// CertManagerCertificateSpec says what cert-manager was asked for, in mode
	// Automatic. Until its secret is there, the port waits in a cluster; from
	// files it gets a certificate for the run, not for production. Default: none.
	CertManagerCertificateSpec *CertManagerCertificateSpec `json:"certManagerCertificateSpec,omitempty"`
}

// TLSMode is a way to get a certificate.
//
// +kubebuilder:validation:Enum=Manual;Automatic
// +kubebuilder:validation:MaxLength=9
type TLSMode string

// Manual names a secret of type kubernetes.io/tls.
type Manual struct {
	// SecretRef names the Secret, with the entries tls.crt and tls.key.
	SecretRef ObjectName `json:"secretRef"`

	// Namespace may only repeat the namespace of the resource. Default: that of
	// the resource.
	Namespace Label `json:"namespace,omitempty"`
}

// CertManagerCertificateSpec describes a certificate.
type CertManagerCertificateSpec struct {
	// Duration is how long a certificate is valid; checked and left to
	// cert-manager. Default: that of cert-manager.
	Duration Duration `json:"duration,omitempty"`

	// RenewBefore is how long before its end a certificate is renewed; checked
	// and left to cert-manager. Default: that of cert-manager.
	RenewBefore Duration `json:"renewBefore,omitempty"`

	// SecretName names the Secret that cert-manager fills and the port serves.
	// Default: LISTENER-PORT-tls in a cluster; none from files.
	SecretName ObjectName `json:"secretName,omitempty"`

	// IssuerRef names who signs; left to cert-manager.
	IssuerRef IssuerRef `json:"issuerRef"`

	// PrivateKey says what key to make; left to cert-manager. Default: that of
	// cert-manager.
	PrivateKey *PrivateKey `json:"privateKey,omitempty"`

	// SAN holds the names of the server; a certificate for the run has them, too.
	// Default: none.
	SAN *SAN `json:"san,omitempty"`
}

// IssuerRef names an issuer of cert-manager.
type IssuerRef struct {
	// Name is the name of the issuer.
	Name Text `json:"name"`

	// Kind says whether the issuer is of the namespace or of the cluster.
	Kind IssuerKind `json:"kind"`

	// Group is the API group of the issuer. Default: cert-manager.io.
	Group Text `json:"group,omitempty"`
}

// IssuerKind is a kind of cert-manager.
//
// +kubebuilder:validation:Enum=Issuer;ClusterIssuer
type IssuerKind string

// PrivateKey says what key to make.
type PrivateKey struct {
	// Algorithm is the kind of the key, with its size in bits.
	Algorithm KeyAlgorithm `json:"algorithm"`

	// RotationPolicy says whether a renewed certificate gets a new key.
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
	// DNS are the host names.
	DNS []Text `json:"dns"`

	// IP are the addresses.
	IP []Text `json:"ip"`
}
