package kube

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// world is a cluster without a server: what it holds can be judged.
type world struct {
	t       *testing.T
	judge   *judge
	objects map[string]*object // by identity
	clock   int
}

func newWorld(t *testing.T) *world {
	return &world{t: t, judge: newJudge(config.Options{}), objects: make(map[string]*object)}
}

// kindNamed returns the kind that is called so, such as
// "BrokerListener.az-edge.com".
func kindNamed(t *testing.T, name string) (k kind, core bool) {
	t.Helper()
	if k, core = coreKind(name); core {
		return k, true
	}
	i := slices.IndexFunc(brokerKinds(), func(k kind) bool { return k.String() == name })
	if i < 0 {
		t.Fatalf("no kind %s", name)
	}
	return brokerKinds()[i], false
}

// put creates an object, or changes it into its next generation. Text is the
// spec of a broker kind, or all but apiVersion, kind and metadata of others, in
// JSON.
func (w *world) put(kindName, name, text string) *object {
	w.t.Helper()
	k, core := kindNamed(w.t, kindName)
	if !core {
		text = `{"spec":` + text + `}`
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
		w.t.Fatal(err)
	}
	u.SetAPIVersion(k.versions[0].GroupVersion().String())
	u.SetKind(k.name)
	u.SetNamespace("ns")
	u.SetName(name)
	w.clock++
	id := k.identity("ns", name).String()
	u.SetResourceVersion(fmt.Sprint(w.clock))
	u.SetCreationTimestamp(metav1.Unix(int64(w.clock), 0))
	u.SetUID(types.UID(fmt.Sprint("uid-", w.clock)))
	u.SetGeneration(1)
	if old := w.objects[id]; old != nil {
		u.SetUID(types.UID(old.uid))
		u.SetCreationTimestamp(metav1.NewTime(old.created))
		u.SetGeneration(old.generation + 1)
	}
	w.objects[id] = decode(k, u)
	return w.objects[id]
}

func (w *world) drop(kindName, name string) {
	w.t.Helper()
	k, _ := kindNamed(w.t, kindName)
	delete(w.objects, k.identity("ns", name).String())
}

// ports judges, and tells of each port what it does, or what keeps it closed.
func (w *world) ports() (judgement, map[string]string) {
	w.t.Helper()
	var all []*object
	for _, o := range w.objects {
		all = append(all, o)
	}
	v := w.judge.plan(all, nil)
	w.t.Cleanup(v.plan.Close)
	out := make(map[string]string)
	for _, p := range v.plan.Ports {
		out[p.String()] = p.Transport() + ", " + p.Authentication() + ", " + p.Authorization()
		for _, m := range p.Missing {
			out[p.String()] = "closed: " + m.String()
		}
	}
	return v, out
}

func (w *world) expect(what string, want map[string]string) judgement {
	w.t.Helper()
	v, got := w.ports()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s: ports (-want +got):\n%s", what, diff)
	}
	return v
}

const (
	onePort   = `{"ports":[{"port":1883,"authenticationRef":"authn","authorizationRef":"authz"}]}`
	otherPort = `{"ports":[{"port":1884,"authenticationRef":"authn"}]}`
	chain     = `{"authenticationMethods":[{"method":"Custom","customSettings":{"endpoint":"https://auth.example","caCertConfigMap":"ca"}}]}`
	oneRule   = `{"authorizationPolicies":{"rules":[{"principals":{"usernames":["a"]},"brokerResources":[{"method":"Connect"}]}]}}`
	badRule   = `{"authorizationPolicies":{"rules":[{"principals":{"usernames":["a"]},"brokerResources":[{"method":"Publish","topics":["a#"]}]}]}}`
)

func authority(t *testing.T) string {
	t.Helper()
	ca, err := devca.Root(devca.Named("test"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"data": map[string]string{"ca.crt": string(ca.PEM())}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// whole is a world in which two listeners share an authentication, and one has
// an authorization.
func whole(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.put(nameListener, "one", onePort)
	w.put(nameListener, "other", otherPort)
	w.put(nameAuthentication, "authn", chain)
	w.put(nameAuthorization, "authz", oneRule)
	w.put(nameConfigMap, "ca", authority(t))
	w.expect("at start", wholePorts)
	return w
}

var wholePorts = map[string]string{
	"ns/one:1883":   "tcp, ns/authn (Custom), ns/authz (1 rule)",
	"ns/other:1884": "tcp, ns/authn (Custom), none: every client may do everything",
}

// A change with an error leaves the last valid version of that object in force,
// and everything else as it is (LINK-11).
func TestBadChangeKeepsTheLastVersion(t *testing.T) {
	t.Parallel()
	tests := []struct{ kind, name, text, status string }{
		{
			nameListener, "one", `{"ports":[{"port":1883,"authenticatonRef":"authn"}]}`,
			"generation 1 stays in force: spec.ports[0].authenticatonRef: unknown field",
		},
		{nameListener, "one", `{"ports":[{"port":1883,"authorizationRef":"authz"}]}`, // LINK-4
			"generation 1 stays in force: spec.ports[0].authorizationRef: port 1883 of BrokerListener ns/one has no authentication, so its authorization authz would not apply"},
		{nameListener, "other", onePort, // the newcomer to a port number is in the wrong
			"generation 1 stays in force: spec.ports[0].port: port 1883 is used twice; the first is at BrokerListener ns/one"},
		{nameListener, "one", otherPort, // also if it is the older one
			"generation 1 stays in force: spec.ports[0].port: port 1884 is used twice; the first is at BrokerListener ns/other"},
		{
			nameAuthentication, "authn", `{"authenticationMethods":[]}`,
			"generation 1 stays in force: spec.authenticationMethods: ",
		},
		{
			nameAuthorization, "authz", badRule,
			"generation 1 stays in force: spec.authorizationPolicies.rules[0].brokerResources[0].topics[0]: ",
		},
		{
			nameConfigMap, "ca", `{"data":{"ca.crt":"nothing"}}`,
			"generation 1 stays in force: data.ca.crt: no PEM certificate",
		},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			w := whole(t)
			before := w.objects[identity{tt.kind, resource.Key{Namespace: "ns", Name: tt.name}}.String()].text
			o := w.put(tt.kind, tt.name, tt.text)
			v := w.expect("after a bad change", wholePorts)
			r := v.rejected[o.identity]
			if r == nil || !strings.HasPrefix(r.String(), tt.status) || len(v.rejected) != 1 {
				t.Errorf("rejected: %v, want %s: %q", v.rejected, o, tt.status)
			}
			if v := w.expect("once more", wholePorts); v.rejected[o.identity] == nil {
				t.Error("the error is forgotten")
			}
			var mended map[string]any
			if err := json.Unmarshal([]byte(before), &mended); err != nil {
				t.Fatal(err)
			}
			text := mended["spec"]
			if text == nil {
				text = map[string]any{"data": mended["data"]}
			}
			b, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			w.put(tt.kind, tt.name, string(b))
			if v := w.expect("when it is mended", wholePorts); len(v.rejected) > 0 {
				t.Errorf("rejected: %v", v.rejected)
			}
		})
	}
}

// An object that never was valid keeps the ports closed that depend on it, and
// no other (LINK-11). So does one that was deleted and made again.
func TestBadFromTheStart(t *testing.T) {
	t.Parallel()
	const one, other = "ns/one:1883", "ns/other:1884"
	ref := "closed: BrokerListener ns/%s: spec.ports[0].%s: %s is not valid"
	tests := []struct {
		kind, name, text string
		want             map[string]string
	}{
		{nameListener, "one", `{"ports":[]}`, map[string]string{other: wholePorts[other]}},
		{nameAuthorization, "authz", badRule, map[string]string{
			one: fmt.Sprintf(ref, "one", "authorizationRef", "BrokerAuthorization ns/authz"), other: wholePorts[other],
		}},
		{nameAuthentication, "authn", `{"authenticationMethods":[]}`, map[string]string{
			one:   fmt.Sprintf(ref, "one", "authenticationRef", "BrokerAuthentication ns/authn"),
			other: fmt.Sprintf(ref, "other", "authenticationRef", "BrokerAuthentication ns/authn"),
		}},
		{nameConfigMap, "ca", `{"data":{"ca.crt":"nothing"}}`, map[string]string{
			one:   "closed: BrokerAuthentication ns/authn: spec.authenticationMethods[0].customSettings.caCertConfigMap: ConfigMap ns/ca is not valid",
			other: "closed: BrokerAuthentication ns/authn: spec.authenticationMethods[0].customSettings.caCertConfigMap: ConfigMap ns/ca is not valid",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			w := whole(t)
			w.drop(tt.kind, tt.name)
			o := w.put(tt.kind, tt.name, tt.text)
			v := w.expect("made again, not valid", tt.want)
			if r := v.rejected[o.identity]; r == nil || r.kept != nil || len(v.rejected) != 1 {
				t.Errorf("rejected: %v", v.rejected)
			}
		})
	}
}

// Deletion closes, whatever is deleted (LINK-7), also when all objects of a
// kind are gone with its definition.
func TestDeletionCloses(t *testing.T) {
	t.Parallel()
	const one, other = "ns/one:1883", "ns/other:1884"
	ref := "closed: BrokerListener ns/%s: spec.ports[0].%s: %s does not exist"
	tests := []struct {
		kind, name string
		want       map[string]string
	}{
		{nameListener, "one", map[string]string{other: wholePorts[other]}},
		{nameAuthorization, "authz", map[string]string{
			one: fmt.Sprintf(ref, "one", "authorizationRef", "BrokerAuthorization ns/authz"), other: wholePorts[other],
		}},
		{nameAuthentication, "authn", map[string]string{
			one:   fmt.Sprintf(ref, "one", "authenticationRef", "BrokerAuthentication ns/authn"),
			other: fmt.Sprintf(ref, "other", "authenticationRef", "BrokerAuthentication ns/authn"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			w := whole(t)
			w.drop(tt.kind, tt.name)
			w.expect("deleted", tt.want)
			w.expect("still deleted", tt.want)
		})
	}
}

// A bad change, and then the deletion of what the version in force refers to:
// the port closes.
func TestVersionInForceLosesItsReference(t *testing.T) {
	t.Parallel()
	w := whole(t)
	listener := w.put(nameListener, "one", `{"ports":[{"port":1883}],"x":1}`)
	refs := w.judge.references([]*object{w.put(nameAuthentication, "authn", `{"x":1}`)})
	if !refs[identity{nameConfigMap, resource.Key{Namespace: "ns", Name: "ca"}}] {
		t.Error("what the version in force refers to is not followed any more")
	}
	w.drop(nameAuthorization, "authz")
	v := w.expect("deleted", map[string]string{
		"ns/one:1883":   "closed: BrokerListener ns/one: spec.ports[0].authorizationRef: BrokerAuthorization ns/authz does not exist",
		"ns/other:1884": wholePorts["ns/other:1884"],
	})
	want := condition{status: metav1.ConditionFalse, reason: reasonInvalid, generation: 2, message: "generation 1 stays in force: spec.x: unknown field; known here: brokerRef, serviceName, serviceType, ports"}
	if got := v.conditionOf(listener, nil); got != want {
		t.Errorf("condition %+v, want %+v", got, want)
	}
}

// A port with TLS mode Automatic waits for the secret that cert-manager fills,
// and says so in the words of its version.
func TestAutomaticCertificate(t *testing.T) {
	t.Parallel()
	const issuer = `"issuerRef":{"name":"ca","kind":"Issuer"}`
	const newer = `{"ports":[{"port":8883,"tls":{"mode":"Automatic","certManagerCertificateSpec":{` + issuer + `%s}}}]}`
	const older = `{"port":8883,"authenticationEnabled":false,"authorizationEnabled":false,"tls":{"automatic":{` + issuer + `%s}}}`
	tests := []struct{ kind, spec, more, secret, port, field string }{
		{nameListener, newer, "", "edge-8883-tls", "ns/edge:8883", "spec.ports[0].tls.certManagerCertificateSpec.secretName"},
		{nameListener, newer, `,"secretName":"server-cert"`, "server-cert", "ns/edge:8883", "spec.ports[0].tls.certManagerCertificateSpec.secretName"},
		{olderListener, older, "", "edge-8883-tls", "az-edge.com/ns/edge:8883", "spec.tls.automatic.secretName"},
	}
	for _, tt := range tests {
		name := tt.secret
		t.Run(tt.kind+" "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.put(tt.kind, "edge", fmt.Sprintf(tt.spec, tt.more))
			id := identity{nameSecret, resource.Key{Namespace: "ns", Name: name}}
			if refs := w.judge.references([]*object{o}); !refs[id] || len(refs) != 1 {
				t.Errorf("references %v", refs)
			}
			text := tt.field + ": " + id.String() + " does not exist: cert-manager has not filled it yet"
			v := w.expect("without the secret", map[string]string{tt.port: "closed: " + o.String() + ": " + text})
			want := condition{status: metav1.ConditionFalse, reason: reasonClosed, message: "port 8883 is closed: " + text, generation: 1}
			if got := v.conditionOf(o, nil); got != want {
				t.Errorf("condition %+v, want %+v", got, want)
			}
			w.put(nameSecret, name, serverSecret(t))
			v = w.expect("with the secret", map[string]string{
				tt.port: "tls, none: every client is anonymous, none: every client may do everything",
			})
			want = condition{status: metav1.ConditionTrue, reason: reasonOpen, message: "port 8883 is open", generation: 1}
			if got := v.conditionOf(o, nil); got != want {
				t.Errorf("condition %+v, want %+v", got, want)
			}
		})
	}
}

func serverSecret(t *testing.T) string {
	t.Helper()
	ca, err := devca.Root(devca.Named("test"))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Leaf(devca.Named("server"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := leaf.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"type": "kubernetes.io/tls", "data": map[string][]byte{"tls.crt": leaf.PEM(), "tls.key": key}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Text of objects is escaped and cut before it gets into a status (OPS-1), and
// an error never repeats a secret.
func TestStatusTextIsClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.put(nameListener, "edge", `{"ports":[{"port":8883}],"\u202e\u0007`+strings.Repeat("x", 300)+`":1}`)
	v := w.expect("not valid", map[string]string{})
	got := v.conditionOf(o, nil).message
	if len(got) > 256 || strings.ContainsAny(got, "\u202e\u0007") || !strings.Contains(got, `u202e`) {
		t.Errorf("message %q", got)
	}
	s := w.put(nameSecret, "s", `{"data":{"tls.crt":"aHVudGVyMg=="},"type":"kubernetes.io/tls"}`)
	v = w.expect("not valid", map[string]string{})
	if text := v.rejected[s.identity].String(); strings.Contains(text, "hunter2") || strings.Contains(text, "aHVudGVyMg") {
		t.Errorf("the error says %q", text)
	}
}
