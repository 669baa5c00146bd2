// Package passwords_test shows how to verify user names and passwords against a
// password file.
package passwords_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

func Example() {
	users, err := load("users.toml")
	if err != nil {
		log.Fatal(err)
	}
	method, err := password.New(password.Config{}, users)
	if err != nil {
		log.Fatal(err)
	}
	for _, phrase := range []string{"password", "guess"} {
		result, err := method.Authenticate(context.Background(), &mqttauth.Credentials{
			HasUsername: true, Username: "client1", Password: mqttauth.NewSecret([]byte(phrase)),
		})
		fmt.Println(result.Accepted(), result.Principal.Attributes["floor"], err)
	}
	// Output:
	// true floor1 <nil>
	// false  mqttauth: denied: password: unknown user or wrong password
}

// load reads a password file. Call it again when the file has changed, and give
// what it returns to Method.Replace.
func load(file string) (map[string]password.User, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	entries, err := resource.ParseUsers(file, text)
	if err != nil {
		return nil, err
	}
	users := make(map[string]password.User, len(entries))
	for _, e := range entries {
		hash, err := password.Parse(string(e.Password.Bytes()))
		if err != nil {
			return nil, fmt.Errorf("%v: %w", e.Locate("password"), err)
		}
		users[e.Name] = password.User{Hash: hash, Attributes: e.Attributes}
	}
	return users, nil
}
