//go:build !linux

package broker_test

func playRole() bool { return false }
