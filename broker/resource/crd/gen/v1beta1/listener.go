package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/broker/resource/crd/gen/v1"
)

// BrokerListener is a number of ports on which the broker accepts clients.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type BrokerListener struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerListenerSpec `json:"spec"`
	Status v1.Status          `json:"status,omitempty"`
}

// BrokerListenerSpec has at least one port.
type BrokerListenerSpec struct {
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef v1.Name `json:"brokerRef,omitempty"`

	// ServiceName is checked and not acted on: the manifests of the broker make
	// the service. Default: none.
	ServiceName v1.Label `json:"serviceName,omitempty"`

	// ServiceType is checked and not acted on. Default: none.
	ServiceType v1.ServiceType `json:"serviceType,omitempty"`

	// Ports are what clients connect to. No number may be there twice, in all
	// listeners together.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=port
	Ports []Port `json:"ports"`
}

// Port is one port and what it asks of its clients.
//
// +kubebuilder:validation:XValidation:rule="!has(self.authorizationRef) || has(self.authenticationRef)",message="without authenticationRef the authorization would not apply; add authenticationRef"
type Port struct {
	// Port is the number of the TCP port. The broker refuses 0.
	Port v1.PortNumber `json:"port"`

	// NodePort is checked and not acted on. Default: none.
	NodePort v1.PortNumber `json:"nodePort,omitempty"`

	// Protocol is what the port speaks below MQTT. Default: Mqtt.
	Protocol v1.Protocol `json:"protocol,omitempty"`

	// AuthenticationRef names the BrokerAuthentication, of the same namespace,
	// that says who clients are. Default: none: EVERY CLIENT IS LET IN.
	AuthenticationRef v1.Name `json:"authenticationRef,omitempty"`

	// AuthorizationRef names the BrokerAuthorization, of the same namespace, that
	// says what clients may do; it needs authenticationRef beside it. Default:
	// none: clients may do everything.
	AuthorizationRef v1.Name `json:"authorizationRef,omitempty"`

	// TLS says where the server certificate comes from. A port with method X509
	// needs it. Default: no TLS.
	TLS *TLS `json:"tls,omitempty"`
}

// TLS says where a server certificate comes from.
//
// +kubebuilder:validation:XValidation:rule="self.mode.lowerAscii() == 'manual' ? has(self.manual) && !has(self.certManagerCertificateSpec) && !has(self.automatic) : !has(self.manual)",message="mode Manual wants manual, mode Automatic certManagerCertificateSpec"
// +kubebuilder:validation:XValidation:rule="!has(self.automatic) || !has(self.certManagerCertificateSpec)",message="automatic is another name of certManagerCertificateSpec; remove one of them"
type TLS struct {
	// Mode says who makes the certificate: the operator, or cert-manager.
	Mode v1.TLSMode `json:"mode"`

	// Manual names the secret; mode Manual needs it. Default: none.
	Manual *Secret `json:"manual,omitempty"`

	// CertManagerCertificateSpec says what cert-manager was asked for, in mode
	// Automatic. Until its secret is there, the port waits in a cluster; from
	// files it gets a certificate for the run, not for production. Default: none.
	CertManagerCertificateSpec *v1.CertManagerCertificateSpec `json:"certManagerCertificateSpec,omitempty"`

	// Automatic is another name of certManagerCertificateSpec. Default: none.
	Automatic *v1.CertManagerCertificateSpec `json:"automatic,omitempty"`
}

// Secret names a secret of type kubernetes.io/tls.
//
// +kubebuilder:validation:XValidation:rule="has(self.secretRef) != has(self.secretName)",message="want secretRef, or secretName, which is another name of it"
type Secret struct {
	// SecretRef names the Secret, with the entries tls.crt and tls.key. It,
	// or secretName, is needed. Default: secretName.
	SecretRef v1.ObjectName `json:"secretRef,omitempty"`

	// SecretName is another name of secretRef. Default: none.
	SecretName v1.ObjectName `json:"secretName,omitempty"`

	// Namespace may only repeat the namespace of the resource. Default: that of
	// the resource.
	Namespace v1.Label `json:"namespace,omitempty"`

	// SecretNamespace is another name of namespace. Default: none.
	SecretNamespace v1.Label `json:"secretNamespace,omitempty"`
}
