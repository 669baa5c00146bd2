// Package v1beta1 describes the three kinds of version v1beta1: those of v1, with
// other names for some fields. Both spellings are read.
//
// +groupName=mqttbroker.iotoperations.azure.com
// +versionName=v1beta1
package v1beta1
