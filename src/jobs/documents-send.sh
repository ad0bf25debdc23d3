#!/bin/sh
# Writes the named members as tar archives to stdout. Only reads.
# Run as `sh -c TEXT sh ROOT TAR` (TAR: gnu|other) by exec in the source pod. The NUL-separated paths come on stdin in
# frames (unframe.sh).
# Exit codes:
#   0   every member was read
#   20  the list of paths was cut
#   21  some files changed while they were read
#   22  tar could not read everything; stderr says what
set -u
LC_ALL=C.UTF-8
export LC_ALL
cd -- "$1" || exit 22

archive() {
    case $1 in
        gnu) tar -c -f - -b 128 --format=posix --pax-option=delete=atime,delete=ctime --hard-dereference \
            --owner=0 --group=0 --numeric-owner --no-recursion --quoting-style=escape --null -T - ;;
        *) xargs -0 -r tar -c -f - --no-recursion -- ;;
    esac
}
exec 4>&1
ended=$({ { unframe; echo "names $?" >&3; } | archive "$2" >&4; echo "tar $?" >&3; } 3>&1)
case $ended in *'names 0'*) ;; *) exit 20 ;; esac
case $ended in
    *'tar 0'*) exit 0 ;;
    *'tar 1'*) [ "${ended#*tar }" != 1 ] || exit 21 ;;
esac
exit 22
