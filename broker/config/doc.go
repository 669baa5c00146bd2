// Package config turns resource documents into the ports of a broker.
//
//	set, err := resource.Load(paths...)      // documents
//	plan, err := config.Compile(set, options) // chains, policies, certificates
//	err = keeper.Apply(plan)                 // open, change and close ports
//
// A [Plan] is complete or does not exist: Compile reports every error, with
// file, line and field, and a set with an error changes nothing (LINK-11). A
// port that refers to something missing is part of the plan as a closed port
// and opens when a later plan has what it misses (LINK-7).
//
// A [Keeper] applies one plan after another to a server. Ports whose meaning
// did not change are left alone, clients included; a change of the documents'
// layout is none.
package config
