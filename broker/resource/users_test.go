package resource_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

// TestExampleUsers reads the password file that the documents print (PASS-2).
func TestExampleUsers(t *testing.T) {
	data, err := os.ReadFile("testdata/toml/clients.toml")
	if err != nil {
		t.Fatal(err)
	}
	users, err := resource.ParseUsers("clients.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	want := []resource.UserEntry{
		{Position: resource.Position{File: "clients.toml", Line: 5, Column: 2}, Name: "client1", Attributes: map[string]string{"floor": "floor1", "site": "site1"}},
		{Position: resource.Position{File: "clients.toml", Line: 16, Column: 2}, Name: "client2", Attributes: map[string]string{"floor": "floor2", "site": "site1"}},
	}
	options := cmp.Options{cmpopts.IgnoreUnexported(resource.UserEntry{}), cmpopts.IgnoreFields(resource.UserEntry{}, "Password")}
	if diff := cmp.Diff(want, users, options); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for i, phrase := range []string{"password", "password2"} {
		hash, err := password.Parse(users[i].Password.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if !hash.Verify([]byte(phrase)) || hash.Verify([]byte(phrase+"x")) {
			t.Errorf("%s does not verify with %q and nothing else", users[i].Name, phrase)
		}
	}
}

// TestUserNotations reads what other notations of TOML say the same.
func TestUserNotations(t *testing.T) {
	for _, text := range []string{
		"[a.b]\npassword = 'x'\nattributes = {}\n",
		"a.b.password = 'x'\n",
		"['a']\n'b' = {password = 'x'}\n",
	} {
		if _, err := resource.ParseUsers("f.toml", []byte(text)); err == nil {
			t.Errorf("%q: a dotted name was taken for a user", text)
		}
	}
	for _, text := range []string{
		"['a.b']\npassword = 'x'\n[\"a.b\".attributes]\nfloor = '1'\n",
		"['a.b'.attributes]\nfloor = '1'\n['a.b']\npassword = 'x'\n",
		"\ufeff[ 'a.b' ] # comment\r\npassword = \"\\u0078\"\r\nattributes.floor = '''1'''\r\n",
		"'a.b'.password = 'x'\n'a.b'.attributes.floor = '1'\n",
		"'a.b' = {password = 'x', attributes = {floor = '1'}}",
	} {
		users, err := resource.ParseUsers("f.toml", []byte(text))
		if err != nil || len(users) != 1 {
			t.Errorf("%q: %v, %v", text, users, err)
			continue
		}
		u := users[0]
		if u.Name != "a.b" || u.Password.Reveal() != "x" || len(u.Attributes) != 1 || u.Attributes["floor"] != "1" {
			t.Errorf("%q: %q, %q, %v", text, u.Name, u.Password.Reveal(), u.Attributes)
		}
	}
}

// TestNoUsers: the last user can be taken away. Then nobody can log in.
func TestNoUsers(t *testing.T) {
	for _, text := range []string{"", "\n", "# nobody\n", "\ufeff"} {
		users, err := resource.ParseUsers("f.toml", []byte(text))
		if err != nil || len(users) != 0 {
			t.Errorf("%q: %v, %v", text, users, err)
		}
		rules, err := resource.ParseCertificateAttributes("f.toml", []byte(text))
		if err != nil || len(rules) != 0 {
			t.Errorf("%q: %v, %v", text, rules, err)
		}
	}
}

// TestLocateUser finds the places that a later check wants to name.
func TestLocateUser(t *testing.T) {
	users, err := resource.ParseUsers("f.toml", []byte("[a]\npassword = 'x'\n[a.attributes]\nfloor = '1'\n"))
	if err != nil {
		t.Fatal(err)
	}
	u := users[0]
	got := fmt.Sprintln(u.Locate("password"), u.Locate("attributes.floor"), u.Locate(""), u.Position, u.Field("password"))
	if want := "f.toml:2:12 f.toml:4:9 f.toml:1:2 f.toml:1:2 a.password\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

// TestUsersHidePasswords prints users in every way, and the errors of files
// that are broken around a password.
func TestUsersHidePasswords(t *testing.T) {
	const good = "[a]\npassword = 'SEEDED-SECRET'\n"
	users, err := resource.ParseUsers("f.toml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", users, users, users, j); leaks(printed) || !strings.Contains(printed, "[redacted]") {
		t.Errorf("printed %s", printed)
	}
	for _, text := range []string{
		"password = 'SEEDED-SECRET'\n",
		"[a]\npassword = SEEDED-SECRET\n",
		"[a]\npassword = 'SEEDED-SECRET\n",
		"[a]\npassword = \"SEEDED-SECRET\\q\"\n",
		"[a]\npassword = ['SEEDED-SECRET']\n",
		"[a]\npassword = {'SEEDED-SECRET' = 1\n",
		"[a]\npasswort = 'SEEDED-SECRET'\n",
		"[a]\npassword: SEEDED-SECRET\n",
		"[a]\npassword 'SEEDED-SECRET'\n",
		"[a]\npassword = 'x' SEEDED-SECRET\n",
		"a = 'SEEDED-SECRET'\n",
		good + good,
	} {
		_, err := resource.ParseUsers("f.toml", []byte(text))
		if err == nil {
			t.Errorf("no error for\n%s", text)
			continue
		}
		if leaks(fmt.Sprintf("%v %+v %#v", err, err, err)) {
			t.Error(err)
		}
	}
}

// cheapHash returns a hash that is quick to verify.
func cheapHash(t *testing.T, phrase string) string {
	t.Helper()
	salt := []byte("0123456789abcdef")
	key, err := pbkdf2.Key(sha512.New, phrase, salt, 2, 64)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return "$pbkdf2-sha512$i=2,l=64$" + encode(salt) + "$" + encode(key)
}

// usable returns the accounts that a password file gives: those whose hashes
// parse, or none if anything is wrong.
func usable(data []byte) (map[string]password.Hash, error) {
	users, err := resource.ParseUsers("f.toml", data)
	if err != nil {
		return nil, err
	}
	accounts := map[string]password.Hash{}
	for _, u := range users {
		hash, err := password.Parse(u.Password.Reveal())
		if err != nil {
			return nil, err
		}
		accounts[u.Name] = hash
	}
	return accounts, nil
}

// TestS03DamagedPasswordFile damages every line of a password file: the load
// fails, or nobody logs in with an empty or a wrong password, nor with that of
// another user.
func TestS03DamagedPasswordFile(t *testing.T) {
	phrases := []string{"phrase one", "phrase two", "phrase three"}
	var file string
	for i, phrase := range phrases {
		file += fmt.Sprintf("# client %d\n[client%d]\npassword = %q\n", i, i, cheapHash(t, phrase))
		if i != 1 {
			file += fmt.Sprintf("[client%d.attributes]\nfloor = \"floor%d\"\n", i, i)
		}
	}
	if accounts, err := usable([]byte(file)); err != nil || len(accounts) != len(phrases) {
		t.Fatalf("the file itself: %v, %v", accounts, err)
	}
	loads, accepted := 0, 0
	check := func(what string, data []byte) {
		loads++
		accounts, err := usable(data)
		if err != nil {
			return
		}
		accepted++
		for name, hash := range accounts {
			right := 0
			for _, phrase := range phrases {
				if hash.Verify([]byte(phrase)) {
					right++
				}
			}
			if right > 1 || hash.Verify(nil) || hash.Verify([]byte("wrong")) {
				t.Errorf("%s: %s logs in with a wrong password:\n%s", what, name, data)
			}
		}
	}
	lines := strings.SplitAfter(strings.TrimSuffix(file, "\n"), "\n")
	for i, line := range lines {
		edit := func(with ...string) []byte {
			return []byte(strings.Join(lines[:i], "") + strings.Join(with, "") + strings.Join(lines[i+1:], ""))
		}
		check("drop", edit())
		check("duplicate", edit(strings.TrimSuffix(line, "\n")+"\n", line))
		for j := range line {
			check("truncate the line", edit(line[:j], "\n"))
			check("join with the next", edit(line[:j]))
			check("truncate the file", []byte(strings.Join(lines[:i], "")+line[:j]))
			for _, c := range "\x00\n #\"'$=[]A0" {
				check("alter", edit(line[:j], string(c), line[j+1:]))
			}
		}
	}
	if loads < 1000 || accepted == 0 || accepted == loads {
		t.Errorf("%d of %d damaged files were accepted", accepted, loads)
	}
}

// TestS03EmptyPasswords has the line of CVE-2018-12551 in its variants.
func TestS03EmptyPasswords(t *testing.T) {
	for _, line := range []string{"", "password", "password =", "password = ''", `password = ""`, "password = {}", "password = []", "password = false", "password = 'x'", "password = '$pbkdf2-sha512$i=1,l=64$$'", "password = '$pbkdf2-sha512$i=0,l=0$AAAAAAAAAAAAAAAAAAAAAA$'"} {
		accounts, err := usable([]byte("[a]\n" + line + "\n"))
		if err == nil || accounts != nil {
			t.Errorf("%q gives %v", line, accounts)
		}
	}
}

func TestCertificateAttributes(t *testing.T) {
	const text = "[root]\nsubject = \"CN = Contoso Root CA Cert, OU = Engineering, C = US\"\n\n[root.attributes]\norganization = \"contoso\"\n\n" +
		"[smart-fan]\nsubject = \"CN = smart-fan\"\n[smart-fan.attributes]\nbuilding = \"17\"\n"
	rules, err := resource.ParseCertificateAttributes("attributes.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []resource.CertificateRule{
		{Position: resource.Position{File: "attributes.toml", Line: 1, Column: 2}, Name: "root", Subject: "CN = Contoso Root CA Cert, OU = Engineering, C = US", Attributes: map[string]string{"organization": "contoso"}},
		{Position: resource.Position{File: "attributes.toml", Line: 7, Column: 2}, Name: "smart-fan", Subject: "CN = smart-fan", Attributes: map[string]string{"building": "17"}},
	}
	if diff := cmp.Diff(want, rules, cmpopts.IgnoreUnexported(resource.CertificateRule{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := rules[1].Locate("subject").String(); got != "attributes.toml:8:11" {
		t.Errorf("subject is at %s", got)
	}
	if got := rules[1].Locate("attributes.building").String(); got != "attributes.toml:10:12" {
		t.Errorf("attribute is at %s", got)
	}
}

// TestUsersErrorsAs shows how callers get at the single errors.
func TestUsersErrorsAs(t *testing.T) {
	_, err := resource.ParseUsers("f.toml", []byte("[a]\n"))
	var one *resource.Error
	if !errors.As(err, &one) {
		t.Fatalf("%v has no *Error", err)
	}
	want := resource.Error{Position: resource.Position{File: "f.toml", Line: 1, Column: 2}, Field: "a.password", Detail: "missing; this field is required"}
	if diff := cmp.Diff(want, *one); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkParseUsers reads a file of 10,000 users; the time must grow with
// its length only.
func BenchmarkParseUsers(b *testing.B) {
	var file bytes.Buffer
	hash := strings.Repeat("h", 140)
	for i := range 10_000 {
		fmt.Fprintf(&file, "[client%d]\npassword = '%s'\n[client%d.attributes]\nfloor = '%d'\n", i, hash, i, i)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := resource.ParseUsers("f.toml", file.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
