// Package topic is the one grammar of MQTT topic names, topic filters and
// shared subscriptions. The engine that routes messages and the authorizer that
// decides about them both use it, so they cannot disagree about what a string
// means.
//
// CheckName and CheckFilter validate text from a peer, ParseFilter splits a
// SUBSCRIBE filter into share group and filter proper, Match decides whether a
// filter matches a name, and Next walks the levels of either. Everything else
// assumes text that was checked; unchecked text gives a wrong answer at worst,
// never a panic.
//
// Levels are what stands between slashes. An empty level is a level: "/a", "a"
// and "a/" are three different topics (MQTT 5.0 section 4.7.1.1). Comparison is
// by bytes: case-sensitive, without Unicode normalisation (section 4.7.3).
//
// All functions take linear time, do not recurse and, but for errors, do not
// allocate. They are safe for concurrent use.
package topic
