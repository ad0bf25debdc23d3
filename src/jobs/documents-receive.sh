#!/bin/sh
# Brings document trees up to date: makes directories writable, removes what is no longer there, extracts a tar archive.
# Run as `sh -c TEXT sh ROOT TAR` (TAR: gnu|other) by exec in the target pod. Three parts come on stdin one after the other:
# directories to make writable and paths to remove (NUL-separated, each with `//` behind it), and the archive. Each is made of
# frames (unframe.sh).
# Owners: an unprivileged user owns what it extracts; root gives it to the owner that the archive names.
# Exit codes:
#   0   all three parts are done
#   30  the stream was cut
#   31  a directory could not be made writable, or a path could not be removed
#   32  tar could not write everything; stderr says what
set -u
LC_ALL=C.UTF-8
export LC_ALL
cd -- "$1" || exit 31

extract() {
    case $1 in
        gnu) tar -x -p -f - -b 128 --numeric-owner --quoting-style=escape --warning=no-timestamp ;;
        *) tar -x -p -f - ;;
    esac
}
# Every path ends with `//`, which no path holds: one that was cut in the middle is refused, not taken for its parent. One that
# leads out of ROOT is refused as well: whatever became of the stream, nothing else is touched.
# shellcheck disable=SC2016
whole='command=$1
shift
for path do
    shift
    name=${path%//}
    case $name in
        "$path") echo "the list of paths was cut" >&2; exit 1 ;;
        *//* | */ | */./* | */. | */../* | */..) echo "a path of the list leads elsewhere" >&2; exit 1 ;;
        ./*) set -- "$@" "$name" ;;
        *) echo "a path of the list leads elsewhere" >&2; exit 1 ;;
    esac
done
$command "$@"'
# A pipeline has but one status, and both ends matter: they report on descriptor 3.
part() {
    failure=$1
    shift
    ended=$({ { unframe; echo "frames $?" >&3; } | "$@" >/dev/null; echo "command $?" >&3; } 3>&1)
    case $ended in *'command 0'*) ;; *) exit "$failure" ;; esac
    case $ended in *'frames 0'*) ;; *) exit 30 ;; esac
}
part 31 xargs -0 -r -n 500 sh -c "$whole" sh 'chmod u+rwx --'
part 31 xargs -0 -r -n 500 sh -c "$whole" sh 'rm -rf --'
part 32 extract "$2"
