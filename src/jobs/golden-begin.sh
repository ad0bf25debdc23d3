# shellcheck shell=sh
# Makes room for the set $SET: what dead runs left is removed, never what a link leads to. dump.sh runs it, and the event tells that it is done.
: "${SET:?}"
mkdir -p sets checkpoints
for found in sets/*; do
    [ -d "$found" ] || continue
    [ "$found" != "sets/$SET" ] || continue
    meant=
    for link in checkpoints/*; do
        [ "$(readlink -- "$link" || :)" != "../$found" ] || meant=1
    done
    # Whoever waits for the end of the output does not wait for what a signal leaves behind.
    [ -n "$meant" ] || discard "$found" >/dev/null
done
mkdir -p "sets/$SET/database"
echo '{"event":"room"}'
