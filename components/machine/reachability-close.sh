#!/usr/bin/env bash
# Gives the ports back before somebody needs them. Arguments: what the listener printed (any change closes again), file
# of its process identity (another one in tests).
end_listener "${2:-/run/trivet-reachability.pid}"
