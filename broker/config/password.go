package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

// passwordsFile is the entry of a Secret that holds users (PASS-2).
const passwordsFile = "passwords.toml" //nolint:gosec // a file name

// usernamePassword compiles a method that knows the users of a Secret.
func (c *compiler) usernamePassword(a *resource.Authentication, m *resource.Method, spec *methodSpec) *password.Method {
	secret := c.set.Secret(resource.Key{Namespace: a.Namespace, Name: m.UsernamePassword.Secret})
	if secret == nil {
		return nil // among the missing
	}
	key, text := c.tomlEntry(secret, passwordsFile)
	if key == "" {
		return nil
	}
	entries, err := resource.ParseUsers(tomlName(secret, key), text)
	if err != nil {
		c.failAll(err)
		return nil
	}
	users := make(map[string]password.User, len(entries))
	failed := len(c.errs)
	for i := range entries {
		e := &entries[i]
		hash, err := password.Parse(e.Password.Reveal())
		if err != nil {
			c.fail(e.Locate("password"), e.Field("password"), err)
			continue
		}
		users[e.Name] = password.User{Hash: hash, Attributes: e.Attributes}
		spec.Users = append(spec.Users, userSpec{e.Name, e.Attributes})
		spec.secrets = append(spec.secrets, e.Password)
	}
	if len(c.errs) > failed {
		return nil
	}
	method, err := password.New(password.Config{IsToken: tokenForms(a).Match}, users)
	if err != nil {
		c.fail(m.Position, m.Field("usernamePassword"), err)
		return nil
	}
	return method
}

// tomlEntry returns the entry of a secret that has one of these names.
func (c *compiler) tomlEntry(secret *resource.Secret, names ...string) (key string, text []byte) {
	for _, name := range names {
		if v, ok := secret.Data[name]; ok {
			return name, v.Bytes()
		}
	}
	found := "nothing"
	if keys := slices.Sorted(maps.Keys(secret.Data)); len(keys) > 0 {
		found = strings.Join(keys, ", ")
	}
	c.fail(secret.Position, "data", fmt.Errorf("secret %v has no entry %s; found %s", secret.Key, strings.Join(names, " or "), found))
	return "", nil
}

// tomlName names a TOML file inside a secret: lines of errors count in it.
func tomlName(secret *resource.Secret, key string) string {
	return secret.Locate(key).String() + ": " + key
}
