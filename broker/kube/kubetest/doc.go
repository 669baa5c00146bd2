// Package kubetest tests "serve --kubernetes" with a real API server: the
// program runs as the service account of examples/kubernetes, with no right but
// those, and kubectl does what an operator does.
//
// It is a module of its own, so that the broker's module does not have to know
// of the API server's.
package kubetest
