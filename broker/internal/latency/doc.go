// Package latency measures, in benchmarks of Linux, how long the answers of a
// broker take while it has something else to do.
//
// On one machine the parts of such a benchmark disturb each other in ways that
// those of a network do not, and services of the machine disturb all of them. So
// each part is a process of its own; what is measured comes before the rest of the
// machine, and what only makes work gets the processor time that nobody else wants.
// An answer has come when it has arrived at the socket, not when the measured client
// got its turn to read it. And what the host of a virtual machine takes away is left
// out.
package latency
