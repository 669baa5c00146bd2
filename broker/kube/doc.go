// Package kube configures the broker from a live Kubernetes cluster.
//
//	rest, namespace, err := kube.Connect("")   // in a pod; or a kubeconfig file
//	source, err := kube.New(rest, kube.Options{Namespace: namespace, ...})
//	source.Run(ctx, keeper.Apply)              // until ctx ends
//
// It follows the kinds BrokerListener, BrokerAuthentication and
// BrokerAuthorization in one namespace, also the kind Broker if the cluster has
// it, and those ConfigMaps and Secrets that they refer to: each by a watch of its
// own that sees no other object, so that rights to single objects are enough. The
// flow is
//
//	watches ─▶ objects as JSON ─▶ broker/resource ─▶ judgement ─▶ config.Plan
//	                                                     └─▶ condition Ready
//
// The decoders are those of files, so one set of rules holds. A change is in
// force a few hundred milliseconds after it was made.
//
// # Versions
//
// Of mqttbroker.iotoperations.azure.com the best version is followed that the
// cluster serves, v1 or else v1beta1, and never both, which show the same
// objects. The kinds of az-edge.com/v1alpha4 are followed beside it if the
// cluster has them. They are other kinds: their objects may have the names of
// newer ones, and link only with each other (LINK-6). A version that comes later
// is noticed within some 10 seconds.
//
// An object means what it says in the version that is followed. Where a cluster
// serves v1 and v1beta1 and does not convert, one that was written with the field
// names of v1beta1 is read as v1, and refused with the names to write: nobody
// can tell any more which version was meant.
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
//   - At start nothing opens before it is known of each kind what there is, or
//     that the cluster does not have it. A kind that the cluster need not have,
//     and that this account may not read, is as none. A Broker that is not valid
//     at start is as none: the limits are the defaults. Those of the start hold
//     until the program ends.
//   - That one version of a kind is not served any more closes nothing while
//     another is.
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
// It writes nothing but the status of these kinds, elects no leader, and makes no
// Services. It follows one namespace; references to others are errors.
//
// # Security
//
// Whoever may write these kinds in the namespace configures the broker; who
// may write the ConfigMaps decides on its trust. The content of Secrets is held
// in memory only and is in no log, status or error. Text of objects is escaped
// and cut before it is logged or written to a status (OPS-1).
package kube
