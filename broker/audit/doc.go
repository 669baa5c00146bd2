// Package audit writes down what a broker decided about its clients: a line of
// JSON for each decision, with who, what, allowed or denied, by which rule or
// method.
//
//	log := audit.New(file)
//	defer log.Close()
//	server := broker.NewServer(broker.Options{Observer: log})
//
// A [Log] never holds up a client: lines wait in a queue of bounded length, and
// what does not fit is counted and reported as a line of its own, with the
// action "lost". Text of clients is escaped and cut (OPS-1); there is nothing
// secret in a line.
//
// It does not rotate files, and it does not sign lines.
package audit
