package kubetest

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Namespace makes a namespace of that name, or with "" of a new one, and
// returns the name.
func (c *Cluster) Namespace(t testing.TB, name string) string {
	t.Helper()
	if name == "" {
		name = "ns-" + strings.ToLower(rand.Text()[:12])
	}
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.Kube.CoreV1().Namespaces().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

// Account makes a service account.
func (c *Cluster) Account(t testing.TB, namespace, name string, annotations map[string]string) *corev1.ServiceAccount {
	t.Helper()
	a := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: annotations}}
	a, err := c.Kube.CoreV1().ServiceAccounts(namespace).Create(t.Context(), a, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// AllowReviews lets an account have tokens reviewed, by the ClusterRole that
// clusters have for that. It returns when that is in force.
func (c *Cluster) AllowReviews(t testing.TB, a *corev1.ServiceAccount) {
	t.Helper()
	b := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "reviews-"},
		Subjects:   subject(a),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
	}
	if _, err := c.Kube.RbacV1().ClusterRoleBindings().Create(t.Context(), b, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.awaitRight(t, a, authorizationv1.ResourceAttributes{Group: "authentication.k8s.io", Resource: "tokenreviews", Verb: "create"})
}

// AllowAccounts lets an account read the service accounts of a namespace, and
// do no more: verbs are "get", and "list" and "watch" for who watches. It returns
// when that is in force.
func (c *Cluster) AllowAccounts(t testing.TB, a *corev1.ServiceAccount, namespace string, verbs ...string) {
	t.Helper()
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "accounts-"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, Verbs: verbs}},
	}
	role, err := c.Kube.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		Subjects:   subject(a),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
	}
	if _, err := c.Kube.RbacV1().RoleBindings(namespace).Create(t.Context(), b, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, verb := range verbs {
		c.awaitRight(t, a, authorizationv1.ResourceAttributes{Namespace: namespace, Resource: "serviceaccounts", Verb: verb})
	}
}

// awaitRight waits until the server, which watches its own store, has seen that
// an account has a right.
func (c *Cluster) awaitRight(t testing.TB, a *corev1.ServiceAccount, right authorizationv1.ResourceAttributes) {
	t.Helper()
	question := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + a.Namespace + ":" + a.Name,
		Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + a.Namespace, "system:authenticated"},
		ResourceAttributes: &right,
	}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		answer, err := c.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, question, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status.Allowed {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

func subject(a *corev1.ServiceAccount) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: a.Namespace, Name: a.Name}}
}

// TokenFile writes a token of an account, for the API server, into a file of
// the test, as a pod has it.
func (c *Cluster) TokenFile(t testing.TB, a *corev1.ServiceAccount) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte(c.Token(t, a)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
