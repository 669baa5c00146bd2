package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BrokerAuthentication is an ordered list of methods by which clients prove who
// they are.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
type BrokerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerAuthenticationSpec `json:"spec"`
	Status Status                   `json:"status,omitempty"`
}

// BrokerAuthenticationSpec has at least one method.
type BrokerAuthenticationSpec struct {
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef Name `json:"brokerRef,omitempty"`

	// AuthenticationMethods are asked in their order, until one accepts or
	// denies. X509 and ServiceAccountToken may be there once each.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.filter(m, m.method.lowerAscii() == 'x509').size() <= 1",message="more than one X509 method"
	// +kubebuilder:validation:XValidation:rule="self.filter(m, m.method.lowerAscii() == 'serviceaccounttoken').size() <= 1",message="more than one ServiceAccountToken method"
	AuthenticationMethods []AuthenticationMethod `json:"authenticationMethods"`
}

// AuthenticationMethod is one method with its settings.
//
// +kubebuilder:validation:XValidation:rule="has(self.customSettings) == (self.method.lowerAscii() == 'custom')",message="method Custom, and no other, has customSettings"
// +kubebuilder:validation:XValidation:rule="has(self.serviceAccountTokenSettings) == (self.method.lowerAscii() == 'serviceaccounttoken')",message="method ServiceAccountToken, and no other, has serviceAccountTokenSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.x509Settings) || self.method.lowerAscii() == 'x509'",message="only method X509 has x509Settings"
type AuthenticationMethod struct {
	// Method says which method this is.
	Method Method `json:"method"`

	// CustomSettings are for method Custom, which needs them. Default: none.
	CustomSettings *CustomSettings `json:"customSettings,omitempty"`

	// ServiceAccountTokenSettings are for method ServiceAccountToken, which needs
	// them. Default: none.
	ServiceAccountTokenSettings *ServiceAccountTokenSettings `json:"serviceAccountTokenSettings,omitempty"`

	// X509Settings are for method X509. Default: those of each field.
	X509Settings *X509Settings `json:"x509Settings,omitempty"`
}

// Method is a way to authenticate a client.
//
// +kubebuilder:validation:Enum=Custom;ServiceAccountToken;X509
// +kubebuilder:validation:MaxLength=19
type Method string

// CustomSettings say how to ask an authentication server.
type CustomSettings struct {
	// Endpoint is the URL of the authentication server, without user, query and
	// fragment.
	Endpoint Endpoint `json:"endpoint"`

	// CACertConfigMap names the ConfigMap with the certificates that the server's
	// is verified against. Default: those of the system.
	CACertConfigMap ObjectName `json:"caCertConfigMap,omitempty"`

	// Auth says how the broker shows the server who it is. Default: not at all.
	Auth *CustomAuth `json:"auth,omitempty"`

	// Headers are sent with every request. Their values are secrets. Host,
	// Content-Type, Content-Length, Transfer-Encoding and Connection are set by
	// the broker. Default: none.
	Headers map[string]string `json:"headers,omitempty"`
}

// Endpoint is the https URL of an authentication server.
//
// +kubebuilder:validation:Pattern=`^[hH][tT][tT][pP][sS]://.+$`
type Endpoint string

// CustomAuth names the certificate of the broker.
type CustomAuth struct {
	// X509 names the secret with the client certificate of the broker.
	X509 Manual `json:"x509"`
}

// ServiceAccountTokenSettings say which tokens are for this broker.
type ServiceAccountTokenSettings struct {
	// Audiences are what a token must be for, one of them at least.
	//
	// +kubebuilder:validation:MinItems=1
	Audiences []Text `json:"audiences"`
}

// X509Settings say whose certificates are trusted.
type X509Settings struct {
	// TrustedClientCACert names the ConfigMap with the trusted certificates, and
	// revocation lists. Default: client-ca.
	TrustedClientCACert ObjectName `json:"trustedClientCaCert,omitempty"`

	// AuthorizationAttributes give attributes to certificates, by their subject:
	// the first certificate of a chain, from the client's own on, that a rule is
	// about. The names of the rules have no meaning. Default: none.
	AuthorizationAttributes map[string]CertificateRule `json:"authorizationAttributes,omitempty"`

	// AdditionalValidation may say None. Default: None.
	AdditionalValidation AdditionalValidation `json:"additionalValidation,omitempty"`
}

// CertificateRule gives attributes to the chains that hold a subject.
type CertificateRule struct {
	// Subject is a distinguished name, such as CN = fan-1, O = Fabrikam.
	Subject Text `json:"subject"`

	// Attributes are what rules of a BrokerAuthorization can ask for.
	Attributes map[string]string `json:"attributes"`
}

// AdditionalValidation may be None.
//
// +kubebuilder:validation:Enum=None
type AdditionalValidation string
