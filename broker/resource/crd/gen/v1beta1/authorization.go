package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/broker/resource/crd/gen/v1"
)

// BrokerAuthorization says what clients may do. What no rule allows is denied.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type BrokerAuthorization struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   v1.BrokerAuthorizationSpec `json:"spec"`
	Status v1.Status                  `json:"status,omitempty"`
}
