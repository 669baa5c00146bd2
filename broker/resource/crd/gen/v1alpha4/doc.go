// Package v1alpha4 describes the three kinds of version v1alpha4, in which
// policies name the listeners that they serve.
//
// +groupName=az-edge.com
// +versionName=v1alpha4
package v1alpha4
