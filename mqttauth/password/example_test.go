package password_test

import (
	"context"
	"fmt"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

// The first user of the documents' example file.
func Example() {
	hash, err := password.Parse("$pbkdf2-sha512$i=100000,l=64$HqJwOCHweNk1pLryiu3RsA$KVSvxKYcibIG5S5n55RvxKRTdAAfCUtBJoy5IuFzdSZyzkwvUcU+FPawEWFPn+06JyZsndfRTfpiEh+2eSJLkg")
	if err != nil {
		fmt.Println(err)
		return
	}
	users, err := password.New(password.Config{}, map[string]password.User{
		"client1": {Hash: hash, Attributes: map[string]string{"floor": "floor1", "site": "site1"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	chain, err := mqttauth.NewChain("factory", mqttauth.Entry{Name: "password", Method: users})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, phrase := range []string{"password", "guess"} {
		result, err := chain.Authenticate(context.Background(), &mqttauth.Credentials{
			ClientID: "c", Username: "client1", HasUsername: true, Password: mqttauth.NewSecret([]byte(phrase)),
		})
		fmt.Println(result.Principal.Username, result.Principal.Attributes["floor"], err)
	}
	// Output:
	// client1 floor1 <nil>
	//   mqttauth: denied: password: unknown user or wrong password
}

func ExampleMake() {
	hash, err := password.Make([]byte("TestPassword"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(hash.String()[:29])
	fmt.Println(hash.Verify([]byte("TestPassword")))
	// Output:
	// $pbkdf2-sha512$i=210000,l=64$
	// true
}
