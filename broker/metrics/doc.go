// Package metrics shows the figures of a broker to Prometheus.
//
//	m := metrics.New()
//	server := broker.NewServer(broker.Options{Observer: m})
//	m.Watch(server)
//	http.Handle("/metrics", m.Handler())
//
// The counters of authentication and authorization have the names that
// operators of the documented broker know (aio_broker_…); everything else
// begins with mqttwarden_. Labels are names from the configuration, reason
// codes and outcomes, never text of a client (OPS-1), so their number is
// bounded by the configuration.
//
// The label category of the counters of authentication and authorization is
// what a client calls itself in the User Property metriccategory of CONNECT, if
// [broker.Options] has it among its Categories. All other clients count as
// "uncategorized", also those that name a category which is not configured: the
// documented broker would show its name. A client says it of itself, a refused
// one as well, so a category tells where traffic comes from and proves nothing.
// The figures of the state store have no such label: they are of the store, and
// some of them, such as keys that expired, of no client.
//
// Nothing here is on the path of a PUBLISH: what is published is counted by each
// connection and summed up when it is asked for.
package metrics
