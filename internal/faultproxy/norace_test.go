//go:build !race

package faultproxy

const raced = false
