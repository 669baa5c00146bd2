// Package sat accepts MQTT clients by their Kubernetes service account tokens.
//
//	token ──▶ Method ──▶ Reviewer   is it valid, and whose?      Client, Verifier
//	             └─────▶ Annotator  what is that account's?      Client
//
// Package tokenreview reaches the API server with client-go.
//
// A [Method] decides whether credentials are a token at all (SAT-1, SAT-2),
// refuses what no API server need see (SAT-3), asks a [Reviewer], judges its
// verdict itself (SAT-4), and takes the annotations of the service account as
// the client's attributes (SAT-5). A [Cache] stands in front of both:
//
//	config, err := sat.InCluster()
//	client, err := sat.NewClient(config)
//	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
//	method, err := sat.New(cache, cache, sat.Config{Audiences: []string{"my-audience"}})
//
// [Client] speaks to the API server with package net/http alone. [Verifier]
// asks nobody, and sees no deletion; see there what that means. [Combined] is
// both: it verifies at once, and has confirmed what it accepts.
//
// # Security
//
// A TokenReview answers "authenticated, for the audience asked" to a token that
// is one space, and takes several texts for the same token. So a [Token] exists
// only in one canonical form, and nothing counts but an answer that names a
// service account, its UID and one of the audiences.
//
// Annotations are what whoever may annotate a service account writes. Config's
// Namespaces limits whose they are (SAT-10). A client has no verified username
// (SAT-7); its identity is namespace and name of the account.
//
// An outage is never a verdict: not 401 or 403 to us, not an answer that cannot
// be read, not a 404 that is not the API server's own. Nor is a load that is too
// much, which is mqttauth.ErrFailed and goes to no other method (AUTHN-5).
//
// # What is not here
//
// There is no kubeconfig and no watching of service accounts; package
// tokenreview has both. Unless [Config].ReviewAgain is set, a token whose secret
// or pod is deleted while its client is connected ends by itself.
package sat
