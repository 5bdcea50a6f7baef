# shellcheck shell=bash disable=SC2034
# Versions of everything that the toolchain provides. The plugins' are those of the npm packages
# in package.json; the Go modules' are in go/*/go.mod. A unit test compares them.

# The engine that is downloaded or built, and the oldest one on PATH that is used as it is.
PULUMI_VERSION=3.200.0
PULUMI_MINIMUM=3.200.0

PLUGINS=(command=1.2.1 docker=5.2.0 random=4.21.2 tls=5.6.1)

# The oldest Go that compiles go/*; older ones fetch this one.
GO_MINIMUM=1.25.11
# The oldest Go that can fetch another one.
GO_BOOTSTRAP_MINIMUM=1.16
NODE_MINIMUM=20

# Free disk space that a build from Go modules needs: modules and compiled packages.
BUILD_DISK_GB=6
BUILD_TMP_GB=2
