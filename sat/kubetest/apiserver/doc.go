// Package apiserver holds no code. Its module pins the Kubernetes API server
// and the etcd that the tests of package sat run, as tools of the module, so
// that the replace directives which the API server needs reach nothing else.
package apiserver
