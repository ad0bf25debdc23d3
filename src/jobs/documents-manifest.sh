#!/bin/sh
# Lists document trees: one NUL-ended record after the other, never following a symbolic link.
# Run as `sh -c TEXT sh ROOT TREE...` by exec in either pod. Only reads.
#   head DIALECT TAR NOW UID OWNER GROUP   first: printf|stat, gnu|other, seconds, our uid, whom the trees belong to
#   missing TREE                           a tree that is not there
#   then, in dialect `printf`:  TYPE MODE SIZE MTIME CTIME, the path, the link's target
#         in dialect `stat`:    HEXMODE SIZE MTIME CTIME,   the path, the link's target
#   end                                    last: without it the list is cut
# Exit codes:
#   10  the documents root is not a directory here
#   11  a tree is not a directory, or leads through a symbolic link
#   12  something in the trees could not be read
#   13  find, or stat, is missing or too limited
#   14  tar is missing
set -eu
LC_ALL=C.UTF-8
export LC_ALL
root=$1
shift
cd -- "$root" 2>/dev/null || { echo "$root is not a directory, or cannot be entered" >&2; exit 10; }
command -v tar >/dev/null || { echo "there is no tar here" >&2; exit 14; }

printable='%y %m %s %T@ %C@\0%p\0%l\0'
if find . -maxdepth 0 -printf "$printable" >/dev/null 2>&1; then
    dialect='printf'
elif command -v stat >/dev/null && find . -prune -exec stat -c '%f %s %Y %Z' -- {} + >/dev/null 2>&1; then
    dialect=stat
else
    echo "find knows neither -printf nor -exec stat -c {} +" >&2
    exit 13
fi
case $(tar --version 2>/dev/null) in
    *"GNU tar"*) tar=gnu ;;
    *) tar=other ;;
esac

# Every step of the way to a tree must be a real directory: a link would lead out of the root.
present() {
    rest=$1/
    way=.
    while [ -n "$rest" ]; do
        way=$way/${rest%%/*}
        rest=${rest#*/}
        if [ -L "$way" ]; then
            echo "$root/${way#./} is a symbolic link, which is never followed" >&2
            exit 11
        fi
        [ -e "$way" ] || return 1
        [ -d "$way" ] || { echo "$root/${way#./} is not a directory" >&2; exit 11; }
    done
}

count=$#
owner=.
missing=
for tree do
    shift
    if present "$tree"; then
        [ "$owner" != . ] || owner=./$tree
        set -- "$@" "./$tree"
    else
        missing="$missing$tree
"
    fi
done
owner=$(stat -c '%u %g' "$owner" 2>/dev/null) || owner='- -'
printf 'head %s %s %s %s %s\0' "$dialect" "$tar" "$(date +%s)" "$(id -u)" "$owner"
printf '%s' "$missing" | while IFS= read -r tree; do printf 'missing %s\0' "$tree"; done

# One batch of paths for dialect `stat`: one stat for all of them; one for each when some are gone meanwhile.
# shellcheck disable=SC2016
batch='
record() {
    printf "%s\0%s\0" "$1" "$2"
    [ ! -L "$2" ] || readlink -n -- "$2" || :
    printf "\0"
}
if lines=$(stat -c "%f %s %Y %Z" -- "$@" 2>/dev/null); then
    printf "%s\n" "$lines" | for path do IFS= read -r line && record "$line" "$path"; done
else
    for path do
        if line=$(stat -c "%f %s %Y %Z" -- "$path" 2>/dev/null); then record "$line" "$path"
        elif [ -e "$path" ] || [ -L "$path" ]; then echo "$path: cannot stat" >&2; fi
    done
fi'
walk() {
    case $dialect in
        printf) find "$@" -ignore_readdir_race -printf "$printable" ;;
        stat) find "$@" -exec sh -c "$batch" sh {} + ;;
    esac
}
# A file that goes while it is listed is no failure; whatever else find says, or a find that was killed, is one.
exec 4>&1
if [ $# -gt 0 ]; then
    said=$({ walk "$@" >&4 || echo "find ended with status $?"; } 2>&1 | tail -n 2000)
    case $said in
        *'No such file or directory'*) other=$(printf '%s\n' "$said" |
            sed -e '/No such file or directory$/d' -e '/^find ended with status 1$/d') ;;
        *) other=$said ;;
    esac
    [ -z "$other" ] || { printf '%s\n' "$other" | tail -n 20 >&2; exit 12; }
fi
[ "$count" -gt 0 ] || exit 11
printf 'end\0'
