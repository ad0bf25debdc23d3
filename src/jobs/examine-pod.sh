#!/bin/sh
# Looks at the container it runs in: `sh -c TEXT sh ROOT TREE...`. Says a line each: what programs it lacks, that there is no such root, which
# trees are not there or cannot be written to, and how many kilobytes the documents' file system has, in all and free. Changes nothing.
set -eu
root=$1
shift
for program in find tar dd xargs; do
    command -v "$program" >/dev/null 2>&1 || echo "missing $program"
done
[ -d "$root" ] || echo "no-root $root"
for tree; do
    # Up to the nearest directory that is there: it will be made below that.
    nearest=$root/$tree
    if [ ! -d "$nearest" ] || [ ! -r "$nearest" ]; then
        echo "no-tree $tree"
        while [ ! -d "$nearest" ] && [ "$nearest" != "${nearest%/*}" ]; do
            nearest=${nearest%/*}
        done
    fi
    [ -w "${nearest:-/}" ] || echo "readonly $tree"
done
# -P: one line a file system, whatever its name.
df -Pk "$root" 2>/dev/null | while read -r _ total _ free _; do
    case $total in '' | *[!0-9]*) continue ;; esac
    echo "space $total $free"
done
