# shellcheck shell=sh
# Removes the checkpoint $NAME, or the unfinished set $SET; whichever is named. The name goes first: half a checkpoint is none.
: "${NAME?}" "${SET?}"
go
if [ -n "$NAME" ]; then
    [ -L "checkpoints/$NAME" ] || exit 53
    found=$(readlink -- "checkpoints/$NAME")
    rm -f -- "checkpoints/$NAME"
    sync -- checkpoints 2>/dev/null || sync -f .
    case $found in ../sets/*) discard "${found#../}" ;; esac
fi
[ -z "$SET" ] || discard "sets/$SET"
