#!/usr/bin/env bash
# Gives the ports back before somebody needs them, and closes the firewall again. Argument: file of the listener's
# process identity (another one in tests).
end_listener "${1:-/run/trivet-reachability.pid}"
close_firewall
