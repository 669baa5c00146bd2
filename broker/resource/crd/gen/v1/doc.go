// Package v1 describes the kinds of version v1 to the generator of
// schemas. Package broker/resource reads them; these types are only described.
//
// +groupName=mqttbroker.iotoperations.azure.com
// +versionName=v1
package v1
