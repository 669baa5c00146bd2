// Package mqttauthz decides what an MQTT client may do: connect, publish,
// subscribe, and read or write keys of the state store, by the rules of
// BrokerAuthorization documents.
//
// # Flow
//
// Compile rules once, when the policy is loaded. Bind the Policy to the
// authenticated client once, at CONNECT: that gives Grants. Ask the Grants for
// each packet; the answer is a Decision that knows the rule and the pattern.
//
//	policy, err := mqttauthz.Compile(rules)
//	…
//	grants := policy.Grants(mqttauthz.Principal{ClientID: "pump"})
//	if d := grants.Publish("telemetry/pump/pressure"); !d.Allowed() {
//		log.Print(d)
//	}
//
// A decision takes no lock, allocates nothing and does not depend on the number
// of rules: all patterns of an operation share one trie, with tokens as edges
// that are compared with the client's values during the walk. All types are
// immutable and safe for concurrent use; to change a policy, compile another
// one and bind the clients again.
//
// # Meaning
//
// Rules only allow, and what no rule allows is denied. The zero value of every
// type denies, nil included; only AllowAll allows without a rule. Everything is
// compared exactly, case-sensitively and without normalisation.
//
// A subscription is allowed when one pattern matches every topic that the
// filter matches: a/+ does not allow a/#. Topics of the broker itself cannot be
// published to under any policy.
//
// # Security
//
// Values of the client (its ID, username and attributes) stand for tokens such
// as {principal.clientId}. They are never put into a pattern: the walk compares
// them, so no value acts as a wildcard, a glob or a second level. A value that
// is empty, has a slash or NUL, or in topics a + or #, matches nothing. A token
// beside a wildcard or another token still needs care: a*{principal.clientId}
// also matches what another client with a longer ID would own.
//
// A client ID or username says who the client is only as far as authentication
// has verified it. This package believes its Principal.
//
// # Keys
//
// A key is a sequence of code points, and of single bytes that are no part of
// one. ? and classes take one of these, * any number of them, also slashes. So
// no part of a pattern matches half a code point. Globs are those of
// gobwas/glob without its alternatives {a,b}, and without the classes that it
// reads unlike others: [^a], [\-a], and ranges mixed with other characters.
//
// # Limits
//
// The work of one decision is bounded, however long the topic or key. Patterns
// are at most 4096 bytes long. What stands between two stars of one pattern is
// a literal, a token, at most 16 characters of which some are ? or classes, or
// at most three parts of which some are tokens; in the last case a value longer
// than 128 bytes matches nothing. Compile refuses rules under which one
// decision can need more than 8192 steps because too many patterns match the
// same text.
//
// # Questions to a policy
//
// For operators, not for every packet; none needs a list of clients or topics.
// Policy.Explain tells the whole story of one request: the decision, the rules
// about this client and why they are, every pattern tried with its reason, the
// values of the tokens, and what would have to change. Policy.WhoCan names the
// clients that can do something, Policy.WhatCan all that one client can do.
//
// Diff compares two policies and returns everything newly allowed and newly
// denied, each with a client, an operation and a text that the two decide
// differently. It is a proof and no sample: patterns are compared as automata,
// and what a bound or the ambiguity of tokens leaves open is listed as
// undecided. Lint finds what is legal in rules and probably not meant.
//
//	report, err := mqttauthz.Diff(ctx, old, changed, mqttauthz.DiffOptions{})
//	…
//	for _, c := range report.Allowed {
//		fmt.Println("newly allowed:", c)
//	}
//
// Explanations hold text of the client only escaped and cut, and so do all
// String methods (OPS-1). The witnesses of Diff and the principals of WhoCan
// are built from the rules.
//
// # What it does not do
//
// It reads no documents, authenticates nobody and keeps no state. The broker
// resolves topic aliases, decides the will and the rights of resumed sessions
// by asking again, and grants a client its own state store notifications.
package mqttauthz
