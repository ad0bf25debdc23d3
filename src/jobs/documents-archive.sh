#!/bin/sh
# Writes the whole documents root as one tar archive to stdout, without what the patterns exclude. Only reads.
# Run as `sh -c TEXT sh ROOT PATTERN...` by exec in a pod that has the documents.
# Exit codes:
#   0   everything was read
#   10  the documents root is not there
#   14  tar is missing
#   21  some files changed while they were read
#   22  tar could not read everything; stderr says what
set -u
LC_ALL=C.UTF-8
export LC_ALL
cd -- "$1" 2>/dev/null || { echo "$1 is not a directory, or cannot be entered" >&2; exit 10; }
command -v tar >/dev/null || { echo "there is no tar here" >&2; exit 14; }
shift
for pattern do
    shift
    set -- "$@" "--exclude=$pattern"
done
status=0
case $(tar --version 2>/dev/null) in
    *"GNU tar"*)
        tar -c -f - -b 128 --format=posix --pax-option=delete=atime,delete=ctime --hard-dereference --numeric-owner \
            --quoting-style=escape "$@" . || status=$?
        [ "$status" != 1 ] || exit 21
        ;;
    *) tar -c -f - "$@" . || status=$? ;;
esac
[ "$status" = 0 ] || exit 22
