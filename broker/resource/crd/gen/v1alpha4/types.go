package v1alpha4

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/broker/resource/crd/gen/v1"
)

// BrokerListener is a port on which the broker accepts clients.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type BrokerListener struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerListenerSpec `json:"spec"`
	Status v1.Status          `json:"status,omitempty"`
}

// BrokerListenerSpec has one port.
type BrokerListenerSpec struct {
	BrokerRef   v1.Name        `json:"brokerRef,omitempty"`
	ServiceName v1.Label       `json:"serviceName,omitempty"`
	ServiceType v1.ServiceType `json:"serviceType,omitempty"`
	Port        v1.PortNumber  `json:"port"`
	NodePort    v1.PortNumber  `json:"nodePort,omitempty"`

	// AuthenticationEnabled says whether a BrokerAuthentication must name this
	// listener. Absent: true. With false, EVERY CLIENT IS LET IN.
	AuthenticationEnabled *bool `json:"authenticationEnabled,omitempty"`

	// AuthorizationEnabled says whether a BrokerAuthorization must name this
	// listener. Absent: true. With false, clients may do everything.
	AuthorizationEnabled *bool `json:"authorizationEnabled,omitempty"`

	// TLS says where the server certificate comes from. Absent: no TLS.
	TLS *TLS `json:"tls,omitempty"`
}

// TLS says where a server certificate comes from.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:MaxProperties=1
type TLS struct {
	Automatic *v1.CertManagerCertificateSpec `json:"automatic,omitempty"`
	Manual    *Secret                        `json:"manual,omitempty"`
}

// Secret names a secret of type kubernetes.io/tls.
type Secret struct {
	Secret v1.ObjectName `json:"secret"`

	// Namespace may only repeat that of the resource.
	Namespace v1.Label `json:"namespace,omitempty"`
}

// BrokerAuthentication is an ordered list of methods by which clients prove who
// they are.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type BrokerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerAuthenticationSpec `json:"spec"`
	Status v1.Status                `json:"status,omitempty"`
}

// BrokerAuthenticationSpec has at least one method.
type BrokerAuthenticationSpec struct {
	BrokerRef v1.Name `json:"brokerRef,omitempty"`

	// ListenerRef names the listeners that the policy serves.
	//
	// +kubebuilder:validation:MinItems=1
	ListenerRef []v1.Name `json:"listenerRef"`

	// AuthenticationMethods are asked in their order.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.filter(m, has(m.x509)).size() <= 1",message="more than one x509 method"
	// +kubebuilder:validation:XValidation:rule="self.filter(m, has(m.sat)).size() <= 1",message="more than one sat method"
	AuthenticationMethods []AuthenticationMethod `json:"authenticationMethods"`
}

// AuthenticationMethod is one method with its settings.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:MaxProperties=1
type AuthenticationMethod struct {
	UsernamePassword *UsernamePassword               `json:"usernamePassword,omitempty"`
	SAT              *v1.ServiceAccountTokenSettings `json:"sat,omitempty"`
	X509             *X509                           `json:"x509,omitempty"`
	Custom           *Custom                         `json:"custom,omitempty"`
}

// UsernamePassword names the Secret with passwords.toml.
type UsernamePassword struct {
	PasswordDatabase v1.ObjectName `json:"passwordDatabase"`
}

// X509 says whose certificates are trusted.
type X509 struct {
	TrustedClientCACert v1.ObjectName `json:"trustedClientCaCert"`

	// Attributes names a Secret with attributes.toml.
	Attributes v1.ObjectName `json:"attributes,omitempty"`
}

// Custom says how to ask an authentication server.
type Custom struct {
	Endpoint v1.Endpoint       `json:"endpoint"`
	CACert   v1.ObjectName     `json:"caCert,omitempty"`
	Auth     *CustomAuth       `json:"auth,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
}

// CustomAuth names the certificate of the broker.
type CustomAuth struct {
	X509 Secret `json:"x509"`
}

// BrokerAuthorization says what clients may do. What no rule allows is denied.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type BrokerAuthorization struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerAuthorizationSpec `json:"spec"`
	Status v1.Status               `json:"status,omitempty"`
}

// BrokerAuthorizationSpec holds the policy.
type BrokerAuthorizationSpec struct {
	BrokerRef v1.Name `json:"brokerRef,omitempty"`

	// ListenerRef names the listeners that the policy serves.
	//
	// +kubebuilder:validation:MinItems=1
	ListenerRef []v1.Name `json:"listenerRef"`

	AuthorizationPolicies AuthorizationPolicies `json:"authorizationPolicies"`
}

// AuthorizationPolicies is a list of rules.
type AuthorizationPolicies struct {
	// EnableCache is accepted; it never changes a decision.
	EnableCache *bool `json:"enableCache,omitempty"`

	// Rules allow. Without rules, everything is denied.
	Rules []Rule `json:"rules,omitempty"`
}

// Rule allows its principals what its resources say.
type Rule struct {
	Principals          Principals              `json:"principals"`
	BrokerResources     []v1.BrokerResource     `json:"brokerResources"`
	StateStoreResources []v1.StateStoreResource `json:"stateStoreResources,omitempty"`
}

// Principals says whom a rule is about.
type Principals struct {
	ClientIDs  []v1.Text       `json:"clientids,omitempty"`
	Usernames  []v1.Text       `json:"usernames,omitempty"`
	Attributes []v1.Attributes `json:"attributes,omitempty"`

	// ClientIds is another spelling of clientids.
	ClientIds []v1.Text `json:"clientIds,omitempty"`
}
