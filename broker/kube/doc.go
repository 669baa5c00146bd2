// Package kube configures the broker from a live Kubernetes cluster.
//
//	rest, namespace, err := kube.Connect("")   // in a pod; or a kubeconfig file
//	source, err := kube.New(rest, kube.Options{Namespace: namespace, ...})
//	source.Run(ctx, keeper.Apply)              // until ctx ends
//
// It follows the kinds BrokerListener, BrokerAuthentication and
// BrokerAuthorization of mqttbroker.iotoperations.azure.com/v1 in one
// namespace, also the kind Broker if the cluster has it, and those ConfigMaps and
// Secrets that they refer to: each by a watch of its own that sees no other
// object, so that rights to single objects are enough. The flow is
//
//	watches ─▶ objects as JSON ─▶ broker/resource ─▶ judgement ─▶ config.Plan
//	                                                     └─▶ condition Ready
//
// The decoders are those of files, so one set of rules holds. A change is in
// force a few hundred milliseconds after it was made.
//
// # What stays closed, and what stays in force
//
//   - A reference that leads nowhere keeps its port closed until the object
//     appears, and closes it when the object disappears (LINK-7). That all
//     objects of a kind, or the kind itself, are deleted is no exception.
//   - An object that is not valid is left out, and with it the ports that
//     depend on it (LINK-11). If the same object, by its UID, was valid before,
//     that version stays in force. Its status says so.
//   - While the API server does not answer, the last good set stays in force;
//     [Source.Health] and the log tell for how long. What its watches reported is
//     no proof that it answers, as they are silent in an outage; so it is asked
//     every few seconds.
//   - At start nothing opens before all three kinds are known. A Broker that is
//     not valid at start is as none: the limits are the defaults.
//
// # TLS mode Automatic
//
// Such a port waits for the secret that cert-manager fills:
// certManagerCertificateSpec.secretName, or LISTENER-PORT-tls when the
// document names none. The Certificate that makes cert-manager fill it is not
// made here.
//
// # What it does not do
//
// It writes nothing but the status of the three kinds, elects no leader, and
// makes no Services. It follows one namespace; references to others are errors.
//
// # Security
//
// Whoever may write the three kinds in the namespace configures the broker; who
// may write the ConfigMaps decides on its trust. The content of Secrets is held
// in memory only and is in no log, status or error. Text of objects is escaped
// and cut before it is logged or written to a status (OPS-1).
package kube
