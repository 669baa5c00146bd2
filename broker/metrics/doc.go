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
// Nothing here is on the path of a PUBLISH: what is published is counted by each
// connection and summed up when it is asked for.
package metrics
