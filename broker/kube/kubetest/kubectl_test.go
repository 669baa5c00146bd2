package kubetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

// server is an API server with an administrator.
type server struct {
	*kubetest.Cluster
	admin string // a token
}

// newServer gives a cluster an administrator.
func newServer(ctx context.Context, c *kubetest.Cluster) (*server, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "administrator"}}
	if _, err := c.Kube.CoreV1().ServiceAccounts("default").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "administrator"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: "administrator"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}
	if _, err := c.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	token, err := c.Kube.CoreV1().ServiceAccounts("default").CreateToken(ctx, "administrator", &authv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return &server{c, token.Status.Token}, nil
}

// ownServer starts a cluster for one test, without the kinds.
func ownServer(t *testing.T) *server {
	t.Helper()
	s, err := newServer(t.Context(), kubetest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// patience is how long a test waits for what must happen. Nothing takes that
// long unless something is wrong.
const patience = 30 * time.Second

// kubeconfig returns the text of a file with which kubectl, and the program,
// reach a cluster. User is what stands below "user" there.
func kubeconfig(c *server, namespace string, user map[string]any) []byte {
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": c.URL, "certificate-authority": c.CAFile}}},
		"users":    []any{map[string]any{"name": "test", "user": user}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "test", "namespace": namespace}}},
	})
	if err != nil {
		panic(err) // maps of text
	}
	return text
}

// kubectl runs kubectl as the administrator.
func kubectl(ctx context.Context, c *server, stdin string, env []string, args ...string) (string, error) {
	file, err := os.CreateTemp("", "kubeconfig-")
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := file.Write(kubeconfig(c, "default", map[string]any{"token": c.admin})); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl", append([]string{"--kubeconfig", file.Name()}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(append(os.Environ(), "HOME="+filepath.Dir(program)), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %v: %w\n%s", args, err, out)
	}
	return string(out), nil
}

// define applies the definitions of the kinds and waits until they are
// served.
func define(c *server) error {
	ctx := context.Background()
	if _, err := kubectl(ctx, c, "", nil, "apply", "-f", crds); err != nil {
		return err
	}
	_, err := kubectl(ctx, c, "", nil, "wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
	return err
}

// undefine deletes definitions and waits until they are gone. The API server can
// forget to finish that: when it met "storage is (re)initializing", and then its
// own update of the status, it looks at a definition again only when something
// else of it changes. So something does.
func (s *site) undefine(names ...string) {
	s.t.Helper()
	s.kubectl("", append([]string{"delete", "crd", "--wait=false"}, names...)...)
	var left []string
	for i, deadline := 0, time.Now().Add(patience); time.Now().Before(deadline); i++ {
		left = strings.Fields(s.kubectl("", append([]string{"get", "crd", "--ignore-not-found", "-o", "name"}, names...)...))
		if len(left) == 0 {
			return
		}
		for _, name := range left { // which may be gone by now
			_, _ = kubectl(s.t.Context(), s.server, "", nil, "annotate", "--overwrite", name, fmt.Sprint("looked=", i))
		}
	}
	s.t.Fatalf("still there: %q", left)
}

const (
	crds = "../../resource/crd"

	// Two groups have these kinds.
	group                = ".mqttbroker.iotoperations.azure.com"
	brokerlistener       = "brokerlistener" + group
	brokerauthentication = "brokerauthentication" + group
	brokerauthorization  = "brokerauthorization" + group
	broker               = "broker" + group

	olderGroup          = ".az-edge.com"
	olderListener       = "brokerlistener" + olderGroup
	olderAuthentication = "brokerauthentication" + olderGroup
	olderAuthorization  = "brokerauthorization" + olderGroup
)

func (s *site) kubectl(stdin string, args ...string) string {
	s.t.Helper()
	out, err := kubectl(s.t.Context(), s.server, stdin, nil, append([]string{"-n", s.namespace}, args...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// apply applies documents; the server checks their fields.
func (s *site) apply(documents ...string) {
	s.t.Helper()
	s.kubectl(strings.Join(documents, "\n---\n"), "apply", "--validate=strict", "-f", "-")
}

func (s *site) remove(kind, name string) {
	s.t.Helper()
	s.kubectl("", "delete", kind, name)
}

// edit edits an object as a person does who replaces a text in an editor.
func (s *site) edit(kind, name, old, with string) {
	s.t.Helper()
	editor := []string{"KUBE_EDITOR=sed -i 's|" + old + "|" + with + "|'"}
	out, err := kubectl(s.t.Context(), s.server, "", editor, "-n", s.namespace, "edit", kind, name)
	if err != nil || !strings.Contains(out, "edited") {
		s.t.Fatalf("%v\n%s", err, out)
	}
}

// condition waits until the condition Ready of an object begins with a text
// such as "True Open port 8883 is open", and is about the object as it is.
func (s *site) condition(kind, name, want string) {
	s.t.Helper()
	const format = `jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.reason} {.message}{"\n"}{.observedGeneration}{end}{"\n"}{.metadata.generation}`
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		got = s.kubectl("", "get", kind, name, "-o", format)
		lines := strings.Split(got, "\n")
		if strings.HasPrefix(got, want) && len(lines) == 3 && lines[1] == lines[2] {
			return
		}
	}
	s.t.Errorf("%s %s: condition, observed generation and generation:\n%s\nwant\n%s", kind, name, got, want)
}
