#!/bin/sh
# Comes before each script: how it tells events, how it refuses, how it talks to a session, and how a signal ends it and its children.
# The Job passes these texts through Kubernetes, which expands dollar signs: each is doubled in the manifest, so any may stand in them.
set -eu
umask 077

: "${PGHOST:?}" "${PGPORT:?}" "${PGDATABASE:?}" "${PGAPPNAME:?}" "${PGCONNECT_TIMEOUT:?}" "${CREDENTIALS_DIR?}"
: "${TMPDIR:?}" "${SET_DIR:?}" "${SKIP_FUNCTIONS?}" "${IDENTITY_SQL:?}" "${PINNED_SQL:?}" "${SCHEMA_SQL:?}"
: "${PRINTS_SQL:?}" "${POSITIONS_SQL:?}" "${MESSAGES_AWK:?}"
# A mounted Secret is read at each start: credentials that were rotated are picked up.
if [ -n "$CREDENTIALS_DIR" ]; then
    PGUSER=$(cat "$CREDENTIALS_DIR/username")
    PGPASSWORD=$(cat "$CREDENTIALS_DIR/password")
    export PGUSER PGPASSWORD
fi
: "${PGUSER:?}" "${PGPASSWORD:?}"
export PGCLIENTENCODING=UTF8
# Debian's psql, and that of the image postgres:NN, is a script in Perl that looks for the newest of these: 59 ms to start, where the client
# itself takes 10 (measured). What stands before /usr/bin on PATH stays there.
if [ -e /usr/share/postgresql-common/pg_wrapper ]; then
    newest=0
    for bin in /usr/lib/postgresql/[1-9]*/bin; do
        version=${bin#/usr/lib/postgresql/}
        version=${version%%[!0-9]*}
        [ ! -x "$bin/psql" ] || [ "$version" -le "$newest" ] || newest=$version client=$bin
    done
    ways=:$PATH:
    case $newest$ways in
    [1-9]*:/usr/bin:*) ways=${ways%%:/usr/bin:*}:$client:/usr/bin:${ways#*:/usr/bin:} ;;
    esac
    ways=${ways#:}
    PATH=${ways%:}
fi
cd "$TMPDIR"
rm -f outcome raw sql told heard children ./*.err
mkfifo children sql told
# shellcheck disable=SC2034 # restore.sh reads it
talking=
# Lists of processes go through it: a full disk is no reason to leave one behind.
exec 7<>children

# Signals are answered while the script waits for a child, so everything that may last is a child of the script itself. It is ended
# by its number in the shell's own list. One that was started just now still has the shell's traps, until it is what it will be, and
# loses the signal: it is sent again for as long as somebody is left.
end() {
    for child in "$@"; do
        kill -s TERM "$child" 2>/dev/null || :
    done
}
# shellcheck disable=SC2086 # a list of process numbers
stop() {
    trap '' TERM INT HUP
    exec 5>&- 9<&-
    { jobs -p && echo; } >&7
    left=
    while IFS= read -r child <&7 && [ -n "$child" ]; do
        left="$left $child"
    done
    if [ -n "$left" ]; then
        end $left
        # Its clock ends with it.
        (
            trap 'kill -s KILL "$!" 2>/dev/null || :; wait "$!" 2>/dev/null || :; exit 0' USR1
            while :; do
                sleep 1 &
                wait "$!" || :
                end $left
            done
        ) &
        again=$!
        wait $left || :
        kill -s USR1 "$again" 2>/dev/null || :
        wait "$again" 2>/dev/null || :
    fi
    exit "$1"
}
trap 'stop 143' TERM
trap 'stop 130' INT
trap 'stop 129' HUP

# Waits for a child and gives its status.
await() {
    awaited=0
    wait "$1" || awaited=$?
    return "$awaited"
}

event() { printf '%s\n' "$1"; }

# Takes the values of rows out of messages, where they lie; before anybody sees them.
plain() {
    for messages in "$@"; do
        [ -s "$messages" ] || continue
        awk "$MESSAGES_AWK" "$messages" >plain.part 2>/dev/null || echo "psql: its messages could not be read" >plain.part
        mv -f plain.part "$messages"
    done
}

# The lines of a file as the items of a JSON array.
items() {
    tr -d '\000-\010\013-\037' <"$1" | sed -e 's/[\\"]/\\&/g' -e 's/	/\\t/g' -e 's/^/"/' -e 's/$/"/' | tail -n 20 | tr '\n' ',' | sed 's/,$//'
}

# say_refused CODE REASON [FILE of details]: the reason is the script's own text, with no quotes or backslashes in it.
say_refused() {
    details=
    [ ! -s "${3:-}" ] || details=$(items "$3")
    event "{\"event\":\"refused\",\"code\":$1,\"reason\":\"$2\",\"items\":[$details]}"
}

# Says it, and ends with this code.
refuse() {
    say_refused "$@"
    stop "$1"
}

# What the SQL found to refuse, if anything: its code and the whole event, written by the server.
refuse_by_outcome() {
    [ -s outcome ] || return 0
    IFS='|' read -r code refusal <outcome
    event "$refusal"
    stop "$code"
}

# "pg_dump (PostgreSQL) 17.2 (...)": the words are wanted.
client_major() {
    # shellcheck disable=SC2046
    set -- $(pg_dump --version)
    printf '%s' "${3%%[!0-9]*}"
}

# psql reads its script from standard input and asks for no password. It takes neither a start-up file nor a line editor. What the
# texts take from the environment comes as variables: for each that they read by themselves, psql would start a shell.
session() {
    exec psql -XqAtw -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -v sl_role="${SANDBOX_ROLE-}" -v sl_lock_timeout="${LOCK_TIMEOUT-}" \
        -v sl_database="$PGDATABASE" -v sl_source_database="${SOURCE_DATABASE-}" -v sl_skip="$SKIP_FUNCTIONS" -v sl_set_dir="$SET_DIR" -v sl_stamp_file="${STAMP-}" \
        -v sl_kind="${SOURCE-}" -v sl_production="${PRODUCTION-}" -v sl_grace="${SESSION_GRACE_SECONDS-}" -v sl_rows="${ROWS-}" \
        -v sl_reads="${READS-}" -v sl_prefix="${TABLE_PREFIX-}" -v sl_min_tables="${MIN_TABLES-}" -v sl_require="${REQUIRE_READ_ONLY-}" \
        -f - 2>"$1"
}

# A session to talk with: it reads what `tell` says, and the script `hear`s what it writes to `told`. Each end sees the other go, as
# long as nobody else keeps it open: hence `exec`, since a shell keeps a copy of what it redirects for a function. Its descriptor 8 can read,
# too: psql, which opens it by name so as to start no shell (`\g told`, or `\o told` and `\qecho`), does not wait for a reader that is gone.
# shellcheck disable=SC2094 # the same FIFOs are meant
converse() {
    exec 4<>sql 5>sql 6<sql 4>&-
    exec 8<>told 9<told
    (exec <&6 5>&- 6<&- 9<&- && session session.err) &
    talker=$!
    talking=1
    exec 6<&- 8>&-
}

# A session that has ended reads no more: that is heard.
tell() {
    (exec 9<&- && printf '%s\n' "$@" >&5) 2>/dev/null &
    await "$!" || :
}

# The next line that the session tells, in the file `heard`; fails when the session has ended.
hear() {
    (exec 5>&- && IFS= read -r line <&9 && printf '%s\n' "$line" >heard) &
    await "$!"
}

# Nothing more to tell: gives the session's status.
# shellcheck disable=SC2034 # the scripts read it
farewell() {
    exec 5>&- 9<&-
    talking=
    status=0
    await "$talker" || status=$?
    plain session.err
    cat session.err >&2
}
