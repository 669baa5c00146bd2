// Package password verifies user names and passwords of MQTT clients.
//
// Passwords are stored as PBKDF2-HMAC-SHA-512 hashes in the PHC string format
// that the documents print (PASS-2):
//
//	$pbkdf2-sha512$i=<iterations>,l=64$<salt>$<hash>
//
// [Parse] reads one, [Make] makes one for a new password, and [Method] is the
// [mqttauth.Method] over a set of users:
//
//	hash, err := password.Parse("$pbkdf2-sha512$i=210000,l=64$…$…")
//	users, err := password.New(password.Config{}, map[string]password.User{"press-1": {Hash: hash}})
//	chain, err := mqttauth.NewChain("factory", mqttauth.Entry{Name: "password", Method: users})
//
// A method is asked by many connections at once. It computes a bounded number
// of hashes at a time, since one takes a tenth of a second of a core, and lets
// the others wait as long as their contexts last (PASS-3). [Method.Replace]
// changes the users while it works.
//
// # What is not here
//
// The TOML file of the documents is read by package broker/resource. Nothing
// here limits how often a client may guess; that is the work of a decorator.
//
// # Security
//
// An unknown user costs as much work as a known one and gets the same answer,
// so neither tells which users there are. The hashes of a set should have the
// same iteration count for that: an unknown user does the work of the most
// expensive hash. A Method keeps no password, and [Config.RememberFor], which
// is off by default, keeps only a keyed digest of those that were right.
package password
