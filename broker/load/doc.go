// Command load measures brokers against each other: how much they deliver, what
// processor time and memory that takes, and what late is. It prints one table.
//
//	go run . -rounds 5
//
// It starts each broker as a process of its own, on this machine: mosquitto as
// it is installed, the others built from this module. For each scenario it
// measures them in turn, as many rounds as it is told to, and compares each with
// mosquitto in the same round.
//
// Every message is counted. A message of QoS 1 or 2 that does not come is a
// failure, and so is one too many; of QoS 0 it is printed. Publishers wait when
// a subscriber is too far behind, so that no broker has to drop anything.
package main
