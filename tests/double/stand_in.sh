#!/bin/sh
# Stands in for the relay in the test of its runner: refuses a configuration without a version, logs as the relay
# does, ends with 7 on SIGTERM, reads its configuration again on SIGHUP.
if ! grep -q version "$3"; then
    echo "version: missing" >&2
    exit 2
fi
trap 'exit 7' TERM
trap 'cat "$3" >&2' HUP
echo "listening on 127.0.0.1:4711" >&2
echo "$6 $EXTRA" >&2
while :; do
    sleep 1 2>/dev/null &
    wait $!
done
