#!/bin/sh
# Writes the whole documents root as a tar archive to stdout, without what the patterns exclude. Only reads.
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
case $(tar --version 2>/dev/null) in
    *"GNU tar"*)
        for pattern do
            shift
            set -- "$@" "--exclude=$pattern"
        done
        status=0
        tar -c -f - -b 128 --format=posix --pax-option=delete=atime,delete=ctime --hard-dereference --numeric-owner \
            --quoting-style=escape "$@" . || status=$?
        case $status in
            0) exit 0 ;;
            1) exit 21 ;;
            *) exit 22 ;;
        esac
        ;;
esac
# Not every other tar knows what to leave out: find does. Several archives may follow each other then.
for pattern do
    shift
    set -- "$@" -path "$pattern" -prune -o -path "*/$pattern" -prune -o
done
exec 4>&1
ended=$({ { find . "$@" -print0; echo "find $?" >&3; } | xargs -0 -r tar -c -f - --no-recursion -- >&4; echo "tar $?" >&3; } 3>&1)
case $ended in *'find 0'*) ;; *) exit 22 ;; esac
case $ended in *'tar 0'*) exit 0 ;; esac
exit 22
