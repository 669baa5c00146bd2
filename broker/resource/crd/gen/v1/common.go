package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Name is the name of a resource of the broker.
//
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9-]*[a-z0-9]$`
type Name string

// ObjectName is the name of a ConfigMap or Secret.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
type ObjectName string

// Label is the name of a namespace or service.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
type Label string

// Text is not empty.
//
// +kubebuilder:validation:MinLength=1
type Text string

// Duration is written in hours, minutes and seconds, such as 720h or 1h30m.
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`
type Duration string

// Status is what the broker says about a resource.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Status struct {
	// Conditions hold the type Ready, with reason and message.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
