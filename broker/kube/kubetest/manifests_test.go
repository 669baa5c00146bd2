package kubetest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The shipped manifests, as they are, pass the server's validation, and what
// the Deployment asks of a node is what the profile "restricted" allows.
func TestManifests(t *testing.T) {
	t.Parallel()
	c := ownServer(t)
	if err := define(c); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, server: c, namespace: shippedNamespace}
	s.kubectl("", "apply", "--validate=strict", "-k", "../../../examples/kubernetes")
	out := s.kubectl("", "apply", "--validate=strict", "-f", "../../../examples/tutorial")
	if n := strings.Count(out, " created"); n != 3 {
		t.Errorf("the tutorial's resources:\n%s", out)
	}

	var deployment struct {
		Spec struct {
			Template struct {
				Spec map[string]any `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal([]byte(s.kubectl("", "get", "deployment", "mqttwarden", "-o", "json")), &deployment); err != nil {
		t.Fatal(err)
	}
	container := deployment.Spec.Template.Spec["containers"].([]any)[0].(map[string]any)
	security := container["securityContext"].(map[string]any)
	want := "map[allowPrivilegeEscalation:false capabilities:map[drop:[ALL]] privileged:false readOnlyRootFilesystem:true]"
	if got := fmt.Sprint(security); got != want {
		t.Errorf("securityContext %s, want %s", got, want)
	}
	if err := createPod(t, c, deployment.Spec.Template.Spec); err != nil {
		t.Errorf("a pod of the Deployment is refused: %v", err)
	}
	security["allowPrivilegeEscalation"] = true
	if err := createPod(t, c, deployment.Spec.Template.Spec); err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted`) {
		t.Errorf("a pod that may gain rights is not refused: %v", err)
	}
}

// createPod asks whether a pod could be created.
func createPod(t *testing.T, c *server, spec map[string]any) error {
	t.Helper()
	pod, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Pod", "spec": spec,
		"metadata": map[string]any{"name": "try", "namespace": shippedNamespace},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = kubectl(t.Context(), c, string(pod), nil, "create", "--dry-run=server", "-f", "-")
	return err
}

// A plain cluster refuses what it can see is wrong, before the broker does.
func TestDefinitionsValidate(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	for what, document := range map[string]string{
		"unknown field":         replace(t, s.listener(), "authenticationRef", "authenticatonRef"),
		"number for a string":   replace(t, s.authentication(), "group: thermostat_group", "group: 17"),
		"unknown method":        replace(t, s.authentication(), "method: X509", "method: Password"),
		"no method":             replace(t, s.authorization(), "- method: Connect", "- topics: [a]"),
		"authorization without": replace(t, s.listener(), "authenticationRef: x509-auth\n", "\n"), // LINK-4
	} {
		if out, err := kubectl(t.Context(), cluster, document, nil, "-n", s.namespace, "apply", "--validate=strict", "-f", "-"); err == nil {
			t.Errorf("%s: %s", what, out)
		}
	}
}
