#!/bin/sh
# Takes one file of a set from stdin: run as `sh -c TEXT sh NAME BYTES SHA256` by exec in the container `receive`.
# It comes in frames: a line `SIZE COUNT`, then SIZE x COUNT bytes, until the line `end`: an exec of old servers never sees the end of
# stdin, and a stream that is cut must not look complete. The file has its name only when its length and its sum are those of the backup.
# Exit codes:
#   53 the stream was cut, or the volume is full
#   54 what arrived is not what the backup holds
set -eu
umask 077
: "${SET_DIR:?}"
cd "$SET_DIR"
unframe() {
    while read -r size count; do
        [ "$size" != end ] || return 0
        dd bs="$size" count="$count" iflag=fullblock 2>/dev/null || return 1
    done
    return 1
}
unframe >"$1.part" || exit 53
bytes=$(wc -c <"$1.part")
[ "$((bytes))" = "$2" ] || exit 54
sum=$(sha256sum "$1.part")
[ "${sum%% *}" = "$3" ] || exit 54
mv "$1.part" "$1"
