// Package kubetest runs a Kubernetes API server for tests: the real
// kube-apiserver with its etcd, as processes on loopback, with nothing else of
// a cluster. No kubelet runs pods, no controller makes or deletes objects.
//
//	c := kubetest.New(t)           // some 4 s; ends with the test
//	c.Kube.CoreV1()...             // as the administrator
//	c.Token(t, account, audiences) // what the server issues
//	c.Sign(header, claims)         // what it never would
//	c.Stop(); c.Start(t.Context()) // an outage
//
// The first use on a machine builds both programs, from the versions that the
// module sat/kubetest/apiserver pins, and keeps them in the user's cache
// directory. That takes 5 minutes on two cores and longer on busy ones, so it is
// better done ahead:
//
//	go run github.com/mqttwarden/mqttwarden/sat/kubetest/build
//
// What is missing is an error, never a reason to skip a test.
//
// Nothing stays behind: the processes end when the test binary ends, however it
// does. The package needs Linux for that.
package kubetest
