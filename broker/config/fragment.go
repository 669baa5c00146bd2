package config

import "github.com/mqttwarden/mqttwarden/broker/resource"

// CheckRules compiles rules that stand without a document, see
// resource.ParseRules. It returns what Plan.Lint would say of them. The error is
// as that of Compile.
func CheckRules(a *resource.Authorization) (notes []string, err error) {
	c := &compiler{}
	p := c.policy(a)
	if len(c.errs) > 0 {
		c.errs.Sort()
		return nil, c.errs
	}
	l := linter{seen: make(map[string]bool)}
	l.policy(p, nil)
	return l.sentences, nil
}

// CheckX509 compiles the attribute rules of an X.509 method that stands without
// a document, see resource.ParseX509. The error is as that of Compile.
func CheckX509(x *resource.X509) error {
	c := &compiler{}
	c.attributes(x.AuthorizationAttributes, &resource.Method{Kind: resource.MethodX509, X509: x}, &methodSpec{})
	if len(c.errs) > 0 {
		c.errs.Sort()
		return c.errs
	}
	return nil
}
