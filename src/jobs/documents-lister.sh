#!/bin/sh
# Lists document trees, and does so again as often as it is told to; brings them up to date first where it is told that, and may.
# Run as `sh -c TEXT sh LIST SUMS RECEIVE ROOT TREE...` by exec in either pod. LIST is the text of documents-manifest.sh, SUMS that of
# documents-sums.sh, RECEIVE that of documents-receive.sh, or empty in a pod that is only read. Words come on stdin, a line each; any other,
# or the end of stdin, ends it:
#   list          lists the trees again
#   sums          what comes behind it is for documents-sums.sh; then says a NUL
#   receive TAR   what comes behind it is for documents-receive.sh; then the trees are listed again
# In one, since a container runtime starts one exec of a container after the other (containerd 1.6: 50 ms each, measured).
# Exit codes: those of the three.
set -u
list=$1 sums=$2 receive=$3 root=$4
shift 4
sh -c "$list" sh "$root" "$@" </dev/null || exit
while IFS=' ' read -r word tar; do
    case $word in
        list) ;;
        sums)
            sh -c "$sums" sh "$root" || exit
            printf '\0'
            continue
            ;;
        receive) sh -c "${receive:?}" sh "$root" "$tar" || exit ;;
        *) exit 0 ;;
    esac
    sh -c "$list" sh "$root" "$@" </dev/null || exit
done
