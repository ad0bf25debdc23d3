# shellcheck shell=sh
# receive: stands in the place of `dump` where the set comes from a backup. It has no credentials; the files of the set come by exec into
# $SET_DIR, and when all of them are there, the word `received` comes over the FIFO `go`.
# Exit codes:
#   52 the word to go on did not come
set -eu
umask 077
: "${SET_DIR:?}" "${TMPDIR:?}"
trap 'exit 143' TERM
trap 'exit 130' INT
cd "$TMPDIR"
rm -f word
[ -p go ] || mkfifo go
exec 3<>go
(IFS= read -r said <&3 && printf '%s\n' "$said" >word) &
wait "$!" || :
[ -s word ] && read -r said <word && [ "$said" = received ] || exit 52
