package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// workshop is the folder of the test binary: the program under test is
// workshop/mqttwarden, and the certificates are in workshop/pki. Both are made
// once and only read by the tests.
var workshop string

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == candidateArg {
		if err := candidate(); err != nil {
			fmt.Println("candidate:", err)
			os.Exit(1)
		}
		return
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	// The package of each program that the tests start.
	for tool, from := range map[string]string{
		"mosquitto_pub": "mosquitto-clients", "mosquitto_sub": "mosquitto-clients",
		"paho_c_pub": "paho.mqtt.c-examples", "paho_cs_pub": "paho.mqtt.c-examples",
		"/usr/bin/python3": "python3-paho-mqtt", "node": "nodejs", "npm": "npm",
		"openssl": "openssl", "stdbuf": "coreutils",
	} {
		if _, err := exec.LookPath(tool); err != nil {
			return 1, fmt.Errorf("e2e: %s is missing: apt-get install %s: %w", tool, from, err)
		}
	}
	dir, err := os.MkdirTemp("", "mqttwarden-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	workshop = dir
	if err := build(programPath()); err != nil {
		return 1, err
	}
	if err := makePKI(pkiDir()); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func programPath() string { return filepath.Join(workshop, "mqttwarden") }

func pkiDir() string { return filepath.Join(workshop, "pki") }

// build makes the program in the module that it belongs to, with the versions
// of its dependencies that users get.
func build(path string) error {
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "github.com/mqttwarden/mqttwarden/broker/cmd/mqttwarden")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("e2e: building the program: %w\n%s", err, out)
	}
	return nil
}
