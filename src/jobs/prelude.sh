#!/bin/sh
# Comes before each script: how it tells events, how it refuses, and how a signal ends it and its children at once.
# The Job passes these texts through Kubernetes, which turns a doubled dollar sign into one: none may stand in them.
set -eu
umask 077

: "${PGHOST:?}" "${PGPORT:?}" "${PGDATABASE:?}" "${PGUSER:?}" "${PGPASSWORD:?}" "${PGAPPNAME:?}" "${PGCONNECT_TIMEOUT:?}"
: "${TMPDIR:?}" "${IDENTITY_SQL:?}"
export PGCLIENTENCODING=UTF8
children=
cd "$TMPDIR"
rm -f outcome ./*.pid ./*.err

# Signals are answered while the script waits for a child, so everything long runs in the background.
# Ends with this code, the children first.
# shellcheck disable=SC2086 # a list of process numbers
stop() {
    trap '' TERM INT HUP
    for file in *.pid; do
        [ ! -s "$file" ] || children="$children $(cat "$file")"
    done
    [ -z "$children" ] || kill -s TERM $children 2>/dev/null || :
    wait
    exit "$1"
}
trap 'stop 143' TERM
trap 'stop 130' INT
trap 'stop 129' HUP

# Waits for a child and gives its status.
await() {
    children="$children $1"
    awaited=0
    wait "$1" || awaited=$?
    children=
    return "$awaited"
}

event() { printf '%s\n' "$1"; }

# The lines of a file as the items of a JSON array.
items() {
    tr -d '\000-\010\013-\037' <"$1" | sed -e 's/[\\"]/\\&/g' -e 's/	/\\t/g' -e 's/^/"/' -e 's/$/"/' | tail -n 20 | tr '\n' ',' | sed 's/,$//'
}

# refuse CODE REASON [FILE of details]: the reason is the script's own text, with no quotes or backslashes in it.
refuse() {
    details=
    [ ! -s "${3:-}" ] || details=$(items "$3")
    event "{\"event\":\"refused\",\"code\":$1,\"reason\":\"$2\",\"items\":[$details]}"
    stop "$1"
}

# What the SQL found to refuse, if anything: its code and the whole event, written by the server.
refuse_by_outcome() {
    [ -s outcome ] || return 0
    IFS='|' read -r code refusal <outcome
    event "$refusal"
    stop "$code"
}

# psql reads its script from standard input and asks for no password. It takes neither a start-up file nor a line editor.
session() { exec psql -XqAtw -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -f - 2>"$1"; }
