// Package authtest tests implementations of [mqttauth.Method].
//
// Whoever writes a method calls [Run] from a test, with a few credentials and
// what the method has to say to them:
//
//	func TestConformance(t *testing.T) {
//		authtest.Run(t, method,
//			authtest.Case{Name: "right password", Credentials: right, Want: mqttauth.Accepted},
//			authtest.Case{Name: "wrong password", Credentials: wrong, Want: mqttauth.Denied},
//			authtest.Case{Name: "certificate", Credentials: other, Want: mqttauth.NotRelevant},
//		)
//	}
//
// Run holds the method against the rules that its interface states and reports
// each violation with the rule's name and an explanation. [Check] does the same
// and returns the violations instead. Run with the race detector: some rules
// are only checked by it.
//
// # What is not here
//
// The suite cannot know whether a method verifies rightly; that is what the
// cases are for. At least one accepted and one denied case make it worth
// running.
package authtest
