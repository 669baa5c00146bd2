package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// trial is one of the commands that demo prints.
type trial struct {
	title, command, expect string
}

// trialText finds them: a numbered title, the command, what to expect.
var trialText = regexp.MustCompile(`(?m)^\d+\. (.*)\n\n((?:mosquitto_.*\\\n)(?:.*\\\n)*.*)\n\n   expect: (.*)$`)

func trialsIn(text string) []trial {
	var out []trial
	for _, m := range trialText.FindAllStringSubmatch(text, -1) {
		out = append(out, trial{m[1], m[2], m[3]})
	}
	return out
}

// expected finds what a printed expectation promises to be seen.
var expected = regexp.MustCompile(`"[^"]+"|PUBACK \([^)]*\)`)

func promises(text string) []string {
	out := expected.FindAllString(text, -1)
	for i := range out {
		out[i] = strings.Trim(out[i], `"`)
	}
	return out
}

// Demo's commands, as printed, do what is printed.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir, port := filepath.Join(t.TempDir(), "it's a demo"), freePort(t) // a path that needs quotes
	p := launch(t, "demo", "-dir", dir, "-port", strconv.Itoa(port))
	p.expect(t, "Certificates and policies are in "+dir)
	p.expect(t, "msg=listening", fmt.Sprintf("127.0.0.1:%d ", port))

	trials := trialsIn(p.said.String())
	if len(trials) != 5 {
		t.Fatalf("%d commands were printed, want 5:\n%v", len(trials), p.said)
	}
	var running *process // the heater, once it listens
	for _, trial := range trials {
		if strings.Contains(trial.title, "End the running one first") {
			running.kill()
		}
		own, inHeaters, _ := strings.Cut(trial.expect, "in the heater's terminal:")
		terminal := shell(t, t.TempDir(), trial.command)
		for _, promise := range promises(own) {
			terminal.expect(t, promise)
		}
		for _, promise := range promises(inHeaters) {
			running.expect(t, promise)
		}
		if strings.Contains(trial.title, "Leave it running") {
			running = terminal
			continue
		}
		terminal.end(t)
	}
	for _, line := range running.lines() {
		if strings.Contains(line, "heartbeat") {
			t.Errorf("the heater received %q", line)
		}
	}

	// The last hint: take the policy away while the broker runs.
	listener := filepath.Join(dir, "listener.yaml")
	if !strings.Contains(p.said.String(), "delete the line authorizationRef in\n   "+listener+"\n") {
		t.Errorf("no hint to edit %s:\n%v", listener, p.said)
	}
	f := folder{path: dir, port: port}
	f.edit(t, "listener.yaml", linkAuthorization, "")
	p.expect(t, "port changed", "every client may do everything")
	shell(t, t.TempDir(), trials[0].command).expect(t, "PUBACK (Mid: 1, RC:0)")
}

// A folder of its own is made anew; any other is left alone.
func TestDemoFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // an empty folder, then its own
		p := launch(t, "demo", "-dir", dir, "-port", strconv.Itoa(freePort(t)))
		p.expect(t, "msg=listening")
		p.stop()
		if status := p.end(t); status != 0 {
			t.Errorf("exit status %d, want 0:\n%v", status, p.said)
		}
	}

	foreign := t.TempDir()
	for name, text := range map[string]string{"listener.yaml": "mine\n", "thermostat.key": "precious\n"} {
		save(t, filepath.Join(foreign, name), []byte(text))
	}
	before := contents(t, foreign)
	port := freePort(t)
	p := launch(t, "demo", "--dir", foreign, "--port", strconv.Itoa(port))
	if status := p.end(t); status != 1 {
		t.Errorf("a folder with other things: exit status %d, want 1:\n%v", status, p.said)
	}
	p.expect(t, foreign, "was not made by demo", "--dir")
	if diff := cmp.Diff(before, contents(t, foreign)); diff != "" {
		t.Errorf("the folder was touched (-before +after):\n%s", diff)
	}
	if open(port) {
		t.Error("the port is open")
	}
}

// contents returns the files of a folder and what is in them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(data)
	}
	return out
}
