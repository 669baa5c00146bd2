// Package tutorial holds the manifests of the tutorial: certificates of
// devices decide who may publish what.
package tutorial

import "embed"

// Manifests holds listener.yaml, authentication.yaml and authorization.yaml.
// They refer to a ConfigMap fabrikam-ca and a Secret broker-server-cert, which
// hold certificates and so are made by whoever uses the manifests.
//
//go:embed *.yaml
var Manifests embed.FS
