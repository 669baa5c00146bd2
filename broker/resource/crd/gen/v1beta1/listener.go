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
	BrokerRef   v1.Name        `json:"brokerRef,omitempty"`
	ServiceName v1.Label       `json:"serviceName,omitempty"`
	ServiceType v1.ServiceType `json:"serviceType,omitempty"`

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
	Port     v1.PortNumber `json:"port"`
	NodePort v1.PortNumber `json:"nodePort,omitempty"`
	Protocol v1.Protocol   `json:"protocol,omitempty"`

	// AuthenticationRef names a BrokerAuthentication. Absent: EVERY CLIENT IS LET
	// IN.
	AuthenticationRef v1.Name `json:"authenticationRef,omitempty"`

	// AuthorizationRef names a BrokerAuthorization. Absent: clients may do
	// everything.
	AuthorizationRef v1.Name `json:"authorizationRef,omitempty"`

	// TLS says where the server certificate comes from. Absent: no TLS.
	TLS *TLS `json:"tls,omitempty"`
}

// TLS says where a server certificate comes from.
//
// +kubebuilder:validation:XValidation:rule="self.mode.lowerAscii() == 'manual' ? has(self.manual) && !has(self.certManagerCertificateSpec) && !has(self.automatic) : !has(self.manual)",message="mode Manual wants manual, mode Automatic certManagerCertificateSpec"
// +kubebuilder:validation:XValidation:rule="!has(self.automatic) || !has(self.certManagerCertificateSpec)",message="automatic is another name of certManagerCertificateSpec; remove one of them"
type TLS struct {
	Mode                       v1.TLSMode                     `json:"mode"`
	Manual                     *Secret                        `json:"manual,omitempty"`
	CertManagerCertificateSpec *v1.CertManagerCertificateSpec `json:"certManagerCertificateSpec,omitempty"`

	// Automatic is another name of certManagerCertificateSpec.
	Automatic *v1.CertManagerCertificateSpec `json:"automatic,omitempty"`
}

// Secret names a secret of type kubernetes.io/tls.
//
// +kubebuilder:validation:XValidation:rule="has(self.secretRef) != has(self.secretName)",message="want secretRef, or secretName, which is another name of it"
type Secret struct {
	SecretRef v1.ObjectName `json:"secretRef,omitempty"`

	// SecretName is another name of secretRef.
	SecretName v1.ObjectName `json:"secretName,omitempty"`

	// Namespace may only repeat that of the resource.
	Namespace v1.Label `json:"namespace,omitempty"`

	// SecretNamespace is another name of namespace.
	SecretNamespace v1.Label `json:"secretNamespace,omitempty"`
}
