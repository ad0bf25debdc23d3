#!/bin/sh
# Takes one file of a set from stdin: run as `sh -c TEXT sh NAME BYTES SHA256` by exec in the container `receive`.
# It comes in frames (unframe.sh). The file has its name only when its length and its sum are those of the backup.
# Exit codes:
#   53 the stream was cut, or the volume is full
#   54 what arrived is not what the backup holds
set -eu
umask 077
: "${SET_DIR:?}"
cd "$SET_DIR"
unframe >"$1.part" || exit 53
bytes=$(wc -c <"$1.part")
[ "$((bytes))" = "$2" ] || exit 54
sum=$(sha256sum "$1.part")
[ "${sum%% *}" = "$3" ] || exit 54
mv "$1.part" "$1"
