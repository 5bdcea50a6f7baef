//go:build tools

// Package tools names the commands that are built from this module, so that `go mod tidy` and
// `go mod verify` see what go.mod and go.sum are for.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
