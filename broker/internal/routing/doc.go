// Package routing finds who gets a message: Table maps topic filters to
// subscribers, Retained maps topic names to retained messages.
//
// Both are tries over the levels of a topic. The publish path, Table.Match,
// takes no lock and, once its scratch space has grown, allocates nothing; so it
// cannot wait for a writer, however large the filter that one is inserting.
// Retained.Match takes no lock either, so that a subscription to # over many
// retained messages delays nobody. Writers are serialised by a mutex inside.
// All work is linear in the length of the topic or filter and nothing recurses
// on its depth (S-28, engine rule E6).
//
// A reader that runs at the same time as a writer sees the state before or
// after it for each entry. What was subscribed before a Match began and is not
// unsubscribed until it ends is always found. The reverse does not hold for a
// caller that iterates over an old Matches: it may still meet a subscriber
// whose Unsubscribe returned meanwhile. Whoever revokes a right must therefore
// also check where the message is queued, under the lock of the session.
//
// The package does not check topics and filters (package topic does), does not
// merge overlapping subscriptions of one subscriber, keeps no limits and knows
// nothing of messages, sessions or authorization.
package routing
