package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/broker/resource/crd/gen/v1"
)

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

	// AuthenticationMethods are asked in their order, until one accepts or
	// denies. X509 and ServiceAccountToken may be there once each.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.filter(m, m.method.lowerAscii().startsWith('x509')).size() <= 1",message="more than one X509 method"
	// +kubebuilder:validation:XValidation:rule="self.filter(m, m.method.lowerAscii() == 'serviceaccounttoken').size() <= 1",message="more than one ServiceAccountToken method"
	AuthenticationMethods []AuthenticationMethod `json:"authenticationMethods"`
}

// AuthenticationMethod is one method with its settings.
//
// +kubebuilder:validation:XValidation:rule="(has(self.customSettings) != has(self.custom)) == (self.method.lowerAscii() == 'custom')",message="method Custom, and no other, has customSettings, or custom, which is another name of it"
// +kubebuilder:validation:XValidation:rule="(has(self.serviceAccountTokenSettings) != has(self.serviceAccountToken)) == (self.method.lowerAscii() == 'serviceaccounttoken')",message="method ServiceAccountToken, and no other, has serviceAccountTokenSettings, or serviceAccountToken, which is another name of it"
// +kubebuilder:validation:XValidation:rule="(!has(self.x509Settings) && !has(self.x509Credentials)) || self.method.lowerAscii().startsWith('x509')",message="only method X509 has x509Settings"
type AuthenticationMethod struct {
	// Method says which method this is. X509Credentials is another name of X509.
	Method Method `json:"method"`

	// CustomSettings are for method Custom, which needs them. Default: none.
	CustomSettings *CustomSettings `json:"customSettings,omitempty"`

	// ServiceAccountTokenSettings are for method ServiceAccountToken, which needs
	// them. Default: none.
	ServiceAccountTokenSettings *v1.ServiceAccountTokenSettings `json:"serviceAccountTokenSettings,omitempty"`

	// X509Settings are for method X509. Default: those of each field.
	X509Settings *X509Settings `json:"x509Settings,omitempty"`

	// Custom is another name of customSettings. Default: none.
	Custom *CustomSettings `json:"custom,omitempty"`

	// ServiceAccountToken is another name of serviceAccountTokenSettings. Default: none.
	ServiceAccountToken *v1.ServiceAccountTokenSettings `json:"serviceAccountToken,omitempty"`

	// X509Credentials is another name of x509Settings. Default: none.
	X509Credentials *X509Settings `json:"x509Credentials,omitempty"`
}

// Method is a way to authenticate a client.
//
// +kubebuilder:validation:Enum=Custom;ServiceAccountToken;X509;X509Credentials
// +kubebuilder:validation:MaxLength=19
type Method string

// CustomSettings say how to ask an authentication server.
type CustomSettings struct {
	// Endpoint is the URL of the authentication server, without user, query and
	// fragment.
	Endpoint v1.Endpoint `json:"endpoint"`

	// CACertConfigMap names the ConfigMap with the certificates that the server's
	// is verified against. Default: those of the system.
	CACertConfigMap v1.ObjectName `json:"caCertConfigMap,omitempty"`

	// CACert is another name of caCertConfigMap. Default: none.
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

// X509Settings say whose certificates are trusted.
type X509Settings struct {
	// TrustedClientCACert names the ConfigMap with the trusted certificates, and
	// revocation lists. Default: client-ca.
	TrustedClientCACert v1.ObjectName `json:"trustedClientCaCert,omitempty"`

	// AuthorizationAttributes give attributes to certificates, by their subject:
	// the first certificate of a chain, from the client's own on, that a rule is
	// about. The names of the rules have no meaning. Default: none.
	AuthorizationAttributes map[string]v1.CertificateRule `json:"authorizationAttributes,omitempty"`

	// AdditionalValidation may say None. Default: None.
	AdditionalValidation v1.AdditionalValidation `json:"additionalValidation,omitempty"`

	// Attributes name a Secret with such rules, instead of
	// authorizationAttributes. Default: none.
	Attributes *AttributesSecret `json:"attributes,omitempty"`
}

// AttributesSecret names a Secret with attributes.toml or x509Attributes.toml.
type AttributesSecret struct {
	// SecretName names the Secret, with the entry attributes.toml or
	// x509Attributes.toml.
	SecretName v1.ObjectName `json:"secretName"`
}
