# shellcheck shell=sh
# The golden Pod: waits until it is told to end, and ends at once. The work comes by exec.
trap 'exit 0' TERM INT
while :; do
    sleep 3600 &
    wait "$!" || :
done
