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
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef v1.Name `json:"brokerRef,omitempty"`

	// ServiceName is checked and not acted on: the manifests of the broker make
	// the service. Default: none.
	ServiceName v1.Label `json:"serviceName,omitempty"`

	// ServiceType is checked and not acted on. Default: none.
	ServiceType v1.ServiceType `json:"serviceType,omitempty"`

	// Port is the number of the TCP port. The broker refuses 0.
	Port v1.PortNumber `json:"port"`

	// NodePort is checked and not acted on. Default: none.
	NodePort v1.PortNumber `json:"nodePort,omitempty"`

	// AuthenticationEnabled says whether a BrokerAuthentication must name this
	// listener. With false, EVERY CLIENT IS LET IN. Default: true.
	AuthenticationEnabled *bool `json:"authenticationEnabled,omitempty"`

	// AuthorizationEnabled says whether a BrokerAuthorization must name this
	// listener. With false, clients may do everything. Default: true.
	AuthorizationEnabled *bool `json:"authorizationEnabled,omitempty"`

	// TLS says where the server certificate comes from. A port with method X509
	// needs it. Default: no TLS.
	TLS *TLS `json:"tls,omitempty"`
}

// TLS says where a server certificate comes from.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:MaxProperties=1
type TLS struct {
	// Automatic says what cert-manager was asked for. Until its secret is there,
	// the port waits in a cluster; from files it gets a certificate for the run,
	// not for production. Default: none.
	Automatic *v1.CertManagerCertificateSpec `json:"automatic,omitempty"`

	// Manual names the secret. Either it or automatic is there. Default: none.
	Manual *Secret `json:"manual,omitempty"`
}

// Secret names a secret of type kubernetes.io/tls.
type Secret struct {
	// Secret names the Secret, with the entries tls.crt and tls.key.
	Secret v1.ObjectName `json:"secret"`

	// Namespace may only repeat the namespace of the resource. Default: that of
	// the resource.
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
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef v1.Name `json:"brokerRef,omitempty"`

	// ListenerRef names the listeners that the policy serves, of this version and
	// of the same namespace.
	//
	// +kubebuilder:validation:MinItems=1
	ListenerRef []v1.Name `json:"listenerRef"`

	// AuthenticationMethods are asked in their order, until one accepts or
	// denies. The one field of an entry is the method. x509 and sat may be there
	// once each.
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
	// UsernamePassword knows the users of a Secret. Default: none.
	UsernamePassword *UsernamePassword `json:"usernamePassword,omitempty"`

	// SAT verifies service account tokens. Default: none.
	SAT *v1.ServiceAccountTokenSettings `json:"sat,omitempty"`

	// X509 verifies client certificates. Default: none.
	X509 *X509 `json:"x509,omitempty"`

	// Custom asks an authentication server. Default: none.
	Custom *Custom `json:"custom,omitempty"`
}

// UsernamePassword names the Secret with passwords.toml.
type UsernamePassword struct {
	// PasswordDatabase names the Secret, with the entry passwords.toml.
	PasswordDatabase v1.ObjectName `json:"passwordDatabase"`
}

// X509 says whose certificates are trusted.
type X509 struct {
	// TrustedClientCACert names the ConfigMap with the trusted certificates, and
	// revocation lists.
	TrustedClientCACert v1.ObjectName `json:"trustedClientCaCert"`

	// Attributes names a Secret with the entry attributes.toml or
	// x509Attributes.toml, whose rules give attributes to certificates. Default:
	// none.
	Attributes v1.ObjectName `json:"attributes,omitempty"`
}

// Custom says how to ask an authentication server.
type Custom struct {
	// Endpoint is the URL of the authentication server, without user, query and
	// fragment.
	Endpoint v1.Endpoint `json:"endpoint"`

	// CACert names the ConfigMap with the certificates that the server's
	// is verified against. Default: those of the system.
	CACert v1.ObjectName `json:"caCert,omitempty"`

	// Auth says how the broker shows the server who it is. Default: not at all.
	Auth *CustomAuth `json:"auth,omitempty"`

	// Headers are sent with every request. Their values are secrets. Host,
	// Content-Type, Content-Length, Transfer-Encoding and Connection are set by
	// the broker. Default: none.
	Headers map[string]string `json:"headers,omitempty"`
}

// CustomAuth names the certificate of the broker.
type CustomAuth struct {
	// X509 names the secret with the client certificate of the broker.
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
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef v1.Name `json:"brokerRef,omitempty"`

	// ListenerRef names the listeners that the policy serves, of this version and
	// of the same namespace.
	//
	// +kubebuilder:validation:MinItems=1
	ListenerRef []v1.Name `json:"listenerRef"`

	// AuthorizationPolicies hold the rules.
	AuthorizationPolicies AuthorizationPolicies `json:"authorizationPolicies"`
}

// AuthorizationPolicies is a list of rules.
type AuthorizationPolicies struct {
	// EnableCache is checked and not acted on: it never changes a decision.
	// Default: true.
	EnableCache *bool `json:"enableCache,omitempty"`

	// Rules allow; what none allows is denied. Default: none: everything is
	// denied.
	Rules []Rule `json:"rules,omitempty"`
}

// Rule allows its principals what its resources say.
type Rule struct {
	// Principals say whom the rule is about: a client that one of their entries
	// matches. Without entries it is about nobody.
	Principals Principals `json:"principals"`

	// BrokerResources are what these clients may do.
	BrokerResources []v1.BrokerResource `json:"brokerResources"`

	// StateStoreResources are the keys of the state store that these clients may
	// use, besides the topics of the state store. Default: none.
	StateStoreResources []v1.StateStoreResource `json:"stateStoreResources,omitempty"`
}

// Principals says whom a rule is about.
type Principals struct {
	// ClientIDs are client IDs, letter for letter. A client chooses its own.
	// Default: none.
	ClientIDs []v1.Text `json:"clientids,omitempty"`

	// Usernames are user names that a method has verified, letter for letter.
	// Default: none.
	Usernames []v1.Text `json:"usernames,omitempty"`

	// Attributes are maps: a client matches that has all attributes of one of
	// them. Default: none.
	Attributes []v1.Attributes `json:"attributes,omitempty"`

	// ClientIds is another spelling of clientids. Default: none.
	ClientIds []v1.Text `json:"clientIds,omitempty"`
}
