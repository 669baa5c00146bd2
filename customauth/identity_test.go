package customauth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// AUTHN-10, CUST-5: who the client is.
func TestIdentity(t *testing.T) {
	plain, withEnhanced, noPassword, noUsername := login(), enhanced(), login(), login()
	withEnhanced.Username, withEnhanced.HasUsername, withEnhanced.Password = "alice", true, mqttauth.NewSecret([]byte(phrase))
	noPassword.Password = mqttauth.Secret{}
	noUsername.Username, noUsername.HasUsername = "", false
	tests := []struct {
		name           string
		config         customauth.Config
		client         mqttauth.Credentials
		username, want string
	}{
		{"password", customauth.Config{}, plain, "alice", "alice"},
		{"password and enhanced", customauth.Config{}, withEnhanced, "", ""},
		{"no password", customauth.Config{}, noPassword, "", ""},
		{"no username", customauth.Config{}, noUsername, "", ""},
		{"never", customauth.Config{Usernames: customauth.UsernamesNever}, plain, "", ""},
		{"always", customauth.Config{Usernames: customauth.UsernamesAlways}, withEnhanced, "alice", "alice"},
		{"always, no username", customauth.Config{Usernames: customauth.UsernamesAlways}, noUsername, "", ""},
		{"attribute", customauth.Config{IdentityAttribute: "id"}, plain, "alice", "press-1"},
		{"attribute, no username", customauth.Config{IdentityAttribute: "id", Usernames: customauth.UsernamesNever}, withEnhanced, "", "press-1"},
		{"attribute that is missing", customauth.Config{IdentityAttribute: "ID"}, plain, "alice", ""},
	}
	server := script{answer: says(ok(`{"attributes":{"id":"press-1"},"expiry":"2999-05-08T22:04:16.5+02:00"}`))}.start(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.config.Endpoint = server.url()
			r, err := method(t, test.config).Authenticate(t.Context(), &test.client)
			if err != nil {
				t.Fatal(err)
			}
			want := mqttauth.Principal{ClientID: "c", Username: test.username, Attributes: map[string]string{"id": "press-1"}}
			if diff := cmp.Diff(want, r.Principal); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
			if r.Identity.Name != test.want {
				t.Errorf("name %q, want %q", r.Identity.Name, test.want)
			}
			if end := time.Date(2999, 5, 8, 20, 4, 16, 5e8, time.UTC); !r.Expiry.Equal(end) {
				t.Errorf("CUST-4: expiry %v, want %v", r.Expiry, end)
			}
		})
	}
}

// CUST-8, EXP-3: a renewal is of the same client.
func TestRenewal(t *testing.T) {
	server := script{answer: says(ok(`{"attributes":{"id":"press-1","shift":"2"}}`))}.start(t)
	byID := customauth.Config{IdentityAttribute: "id"}
	same := map[string]string{"id": "press-1", "shift": "2"}
	noMethod := renewal("", same)
	noMethod.AuthMethod, noMethod.AuthData = "", mqttauth.Secret{}
	nobody := renewal("", same)
	nobody.Previous = &mqttauth.Result{Principal: nobody.Previous.Principal}
	tests := []struct {
		name   string
		config customauth.Config
		client mqttauth.Credentials
		want   mqttauth.Outcome
	}{
		{"same attributes", customauth.Config{}, renewal("", same), mqttauth.Accepted},
		{"same attributes and a name", customauth.Config{}, renewal("alice", same), mqttauth.Accepted},
		{"other attribute", customauth.Config{}, renewal("", map[string]string{"id": "press-1", "shift": "1"}), mqttauth.Denied},
		{"attribute more", customauth.Config{}, renewal("", map[string]string{"id": "press-1"}), mqttauth.Denied},
		{"attribute fewer", customauth.Config{}, renewal("", map[string]string{"id": "press-1", "shift": "2", "x": ""}), mqttauth.Denied},
		{"no attributes before", customauth.Config{}, renewal("", nil), mqttauth.Denied},
		{"same identity, other attribute", byID, renewal("press-1", map[string]string{"id": "press-1", "shift": "1"}), mqttauth.Accepted},
		{"other identity", byID, renewal("press-2", map[string]string{"id": "press-2", "shift": "2"}), mqttauth.Denied},
		{"no identity before", byID, renewal("", map[string]string{"shift": "2"}), mqttauth.Denied},
		{"identity gone", customauth.Config{IdentityAttribute: "serial"}, renewal("press-1", same), mqttauth.Denied},
		{"never an identity", customauth.Config{IdentityAttribute: "serial"}, renewal("", same), mqttauth.Accepted},
		{"no method", customauth.Config{}, noMethod, mqttauth.Denied},
		{"nobody before", customauth.Config{}, nobody, mqttauth.Denied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.config.Endpoint = server.url()
			r, err := method(t, test.config).Authenticate(t.Context(), &test.client)
			if got := mqttauth.OutcomeOf(r, err); got != test.want {
				t.Fatalf("%v, want %v (error: %v)", got, test.want, err)
			}
			if err != nil {
				return
			}
			if r.Identity.Name != test.client.Previous.Identity.Name {
				t.Errorf("name %q, before %q", r.Identity.Name, test.client.Previous.Identity.Name)
			}
			if diff := cmp.Diff(same, r.Principal.Attributes); diff != "" {
				t.Errorf("EXP-2: attributes are replaced (-want +got):\n%s", diff)
			}
		})
	}
}
