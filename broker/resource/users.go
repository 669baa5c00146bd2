package resource

import (
	"strings"
)

// maxPasswordHash is the most bytes of a password hash in a file. The longest
// that is valid, with a salt of 64 bytes, has about 210.
const maxPasswordHash = 1024

// hashMark begins every password hash.
const hashMark = "$pbkdf2"

// UserEntry is one user of a password file (PASS-2).
type UserEntry struct {
	Position   Position // of the name
	Name       string   // not empty
	Password   Value    // the hash as written, not empty; not parsed here
	Attributes map[string]string

	origin origin
}

// Locate returns the place of a field of the user, "password" or
// "attributes.NAME", or of the nearest thing around it that the file has.
func (u *UserEntry) Locate(field string) Position { return u.origin.locate(field, u.Position) }

// Field returns the path of a field of the user as errors name it, such as
// "client1.password".
func (u *UserEntry) Field(name string) string { return u.origin.field(name) }

// ParseUsers reads a password file: TOML with one table for each user, in
// which password holds the hash and the optional sub-table attributes maps
// strings to strings (PASS-2).
//
//	[client1]
//	password = "$pbkdf2-sha512$i=210000,l=64$…$…"
//
//	[client1.attributes]
//	floor = "floor1"
//
// The users are in the order of the file. Whether a password is a hash is not
// checked: that is the work of package mqttauth/password, and [UserEntry.Locate]
// gives the place for its error. A file without users is valid, so that the
// last user can be taken away while a broker runs; nobody can log in by it.
//
// With anything wrong there are no users at all, and the error is of type
// [Errors]. No error repeats a password or a part of it. The name of the file
// is used in positions; nothing is opened.
func ParseUsers(file string, data []byte) ([]UserEntry, error) {
	d := decoder{file: file}
	root, cut := d.parseTOML(data)
	var users []UserEntry
	for _, f := range root.tomlEntries() {
		users = append(users, readUser(f, cut))
	}
	if len(d.errors) > 0 {
		d.errors.Sort()
		return nil, d.errors
	}
	return users, nil
}

func readUser(f *field, cut bool) UserEntry {
	o := f.tomlObject()
	u := UserEntry{Position: f.at.in(f.decoder.file), Name: f.key, origin: f.origin()}
	if i := strings.IndexByte(f.key, 0); i >= 0 {
		f.decoder.report(f.at, f.path(), "a user name must not hold U+0000, which MQTT cannot send")
	}
	u.Password = readPasswordHash(o.tomlRequired("password", cut))
	u.Attributes = o.optional("attributes").tomlAttributes()
	o.done()
	return u
}

// readPasswordHash reads a hash and takes it out of the tree, which outlives
// the reading.
func readPasswordHash(f *field) Value {
	if f == nil {
		return Value{}
	}
	f.decoder.secret = true
	defer func() { f.decoder.secret = false }()
	hash := f.tomlText(maxPasswordHash)
	if hash == "" && f.node.kind == stringNode && f.node.text == "" {
		f.errorf("must not be empty")
	}
	f.node.text = ""
	return NewValue([]byte(hash))
}

// tomlRequired returns the value of a field, and reports if there is none.
// What is missing from a file of which a part could not be read may be there.
func (o *object) tomlRequired(key string, cut bool) *field {
	if cut {
		return o.optional(key)
	}
	return o.required(key)
}

// ParseCertificateAttributes reads an attributes file, the older form of the
// field authorizationAttributes: TOML with one table for each rule, in which
// subject is a distinguished name and the sub-table attributes maps strings to
// strings.
//
//	[fan]
//	subject = "CN = smart-fan"
//
//	[fan.attributes]
//	building = "17"
//
// The rules are in the order of the file. Subjects are not parsed, and equal
// ones are not found (X509-8): that is the work of package x509attr, and
// [CertificateRule.Locate] gives the place for its error. Errors are as those
// of [ParseUsers].
func ParseCertificateAttributes(file string, data []byte) ([]CertificateRule, error) {
	d := decoder{file: file}
	root, cut := d.parseTOML(data)
	var rules []CertificateRule
	for _, f := range root.tomlEntries() {
		rules = append(rules, readTOMLRule(f, cut))
	}
	if len(d.errors) > 0 {
		d.errors.Sort()
		return nil, d.errors
	}
	return rules, nil
}

func readTOMLRule(f *field, cut bool) CertificateRule {
	o := f.tomlObject()
	r := CertificateRule{Position: f.at.in(f.decoder.file), Name: f.key, origin: f.origin()}
	subject := o.tomlRequired("subject", cut)
	r.Subject = subject.tomlText(maxMQTTString)
	if subject != nil && subject.node.kind == stringNode && subject.node.text == "" {
		subject.errorf("must not be empty")
	}
	r.Attributes = o.tomlRequired("attributes", cut).tomlAttributes()
	o.done()
	return r
}
