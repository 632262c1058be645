// Package faultproxy puts a proxy that misbehaves between the program and each of its
// peers, and checks what is left when the network is well again. It has only tests.
//
// The promise: whatever the network did (latency, resets, connections that stay open and
// carry nothing, answers cut in the middle, refused connections), every acknowledged message
// is answered after it, once and in order.
package faultproxy
