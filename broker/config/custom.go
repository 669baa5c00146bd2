package config

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// custom compiles a method that asks an authentication server.
func (c *compiler) custom(a *resource.Authentication, m *resource.Method, spec *methodSpec) *customauth.Method {
	x := m.Custom
	spec.Endpoint = x.Endpoint
	spec.PerSecond = x.RequestsPerSecond
	cfg := customauth.Config{Endpoint: x.Endpoint, MaxPerSecond: x.RequestsPerSecond, Logger: c.options.Logger}
	for _, h := range x.Headers {
		cfg.Headers = append(cfg.Headers, customauth.Header{Name: h.Name, Value: mqttauth.NewSecret(h.Value.Bytes())})
		spec.Headers = append(spec.Headers, h.Name)
		spec.secrets = append(spec.secrets, h.Value)
	}
	if !c.customRoots(a, m, &cfg, spec) || !c.customCertificate(a, m, &cfg, spec) {
		return nil
	}
	method, err := customauth.New(cfg)
	if err != nil {
		c.fail(m.Locate("customSettings"), m.Field("customSettings"), err)
		return nil
	}
	return method
}

// customRoots reads whom to trust. It reports false when that is not known.
func (c *compiler) customRoots(a *resource.Authentication, m *resource.Method, cfg *customauth.Config, spec *methodSpec) bool {
	if m.Custom.CACertConfigMap == "" {
		return true
	}
	cm := c.set.ConfigMap(resource.Key{Namespace: a.Namespace, Name: m.Custom.CACertConfigMap})
	if cm == nil {
		return false // among the missing
	}
	failed := len(c.errs)
	if _, lists := c.anchors(cm); len(lists) > 0 { // anchors reports what else is wrong
		c.fail(cm.Position, "data", errors.New("holds a revocation list, which is not used for a server's certificate; remove it"))
	}
	if len(c.errs) > failed {
		return false
	}
	var pem bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(cm.Data)) {
		pem.WriteString(cm.Data[key] + "\n")
	}
	for _, key := range slices.Sorted(maps.Keys(cm.BinaryData)) {
		pem.Write(cm.BinaryData[key])
		pem.WriteByte('\n')
	}
	cfg.TLS.RootCAs = pem.Bytes()
	spec.RootCAs = pem.String()
	return true
}

// customCertificate reads who we are to the server.
func (c *compiler) customCertificate(a *resource.Authentication, m *resource.Method, cfg *customauth.Config, spec *methodSpec) bool {
	if m.Custom.ClientCertSecret == "" {
		return true
	}
	secret := c.set.Secret(resource.Key{Namespace: a.Namespace, Name: m.Custom.ClientCertSecret})
	if secret == nil {
		return false // among the missing
	}
	cert, key := secret.Data["tls.crt"], secret.Data["tls.key"]
	if len(cert.Bytes()) == 0 || len(key.Bytes()) == 0 {
		c.fail(secret.Position, "data", errors.New("tls.crt and tls.key are needed"))
		return false
	}
	cfg.TLS.Certificate, cfg.TLS.Key = cert.Bytes(), mqttauth.NewSecret(key.Bytes())
	spec.secrets = append(spec.secrets, cert, key)
	return true
}
