# shellcheck shell=sh
# Comes before each script that looks after the golden volume. GOLDEN is where it is mounted:
#   sets/NAME.RUN/            one checkpoint: database/, documents/, documents.sha256, stamp, and last manifest.json; resets
#                             renew the stamp. Until it is measured it may have `former`, a link to the set that was the newest before it
#   checkpoints/NAME          a link to the set that is meant by this name
# A set without its manifest does not exist, and one that no link leads to is debris.
set -eu
umask 077
LC_ALL=C.UTF-8
export LC_ALL
cd -- "${GOLDEN:?}" || exit 50

# An exec whose answer was lost is made again, so nothing is done before the one that lives has said so.
go() {
    said=
    IFS= read -r said || :
    [ "$said" = go ] || { echo "the word to begin did not come" >&2; exit 51; }
}

# Directories may have come with modes that their owner cannot write to. Files are left as they are: another set may have them, too.
discard() {
    rm -rf -- "$1" 2>/dev/null || { find "$1" -type d -exec chmod u+rwx -- {} \; && rm -rf -- "$1"; }
}

# On the disk, not only in its cache. A volume with many files is flushed as a whole, and so is one of whose files one cannot
# be flushed by itself: `sync -f` fails where something could not be written, a plain `sync` never does.
durable() {
    if [ "$(find "$@" | head -n 200 | wc -l)" -lt 200 ]; then
        find "$@" ! -type l -exec sync -- {} + 2>/dev/null || sync -f .
    else
        sync -f -- "$1"
    fi
}
