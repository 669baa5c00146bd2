package kubetest

// Sweep is for tests.
var Sweep = sweep
