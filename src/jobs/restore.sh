# shellcheck shell=sh
# restore: checks that this is the sandbox and nothing else, waits to be let go, and replaces the content of schema public by the dump
# in ONE transaction, which is committed only when the dump was restored to its end, was found equal, and the tool has said so.
# Whatever else happens, the connection ends with the transaction open and the server rolls back: the old sandbox stands.
# Words come over the FIFO `go`: restore, then commit. `abort` at either place ends it.
#
# Exit codes:
#   20 the sandbox's database cannot be reached
#   21 this is not the sandbox's database
#   22 the login may do too much, or too little
#   23 objects that the wipe must not take, or would leave
#   24 the sandbox lacks an extension
#   25 the server's lock table is too small
#   26 the role may not create in schema public
#   27 other sessions are connected
#   28 a lock was not granted in time
#   29 the dump could not be read to its end
#   30 a statement failed, or the session broke off
#   31 what was restored is not what was dumped
#   32 the word to go on did not come
#   33 it is not known whether the commit took place
#   34 the dump is not there
: "${SANDBOX_ROLE:?}" "${SOURCE_DATABASE:?}" "${SKIP_FUNCTIONS?}" "${LOCK_TIMEOUT:?}" "${SESSION_GRACE_SECONDS:?}"
: "${CHECKS_SQL:?}" "${BUDGET_SQL:?}" "${SESSIONS_SQL:?}" "${WIPE_SQL:?}" "${WIPED_SQL:?}" "${VERIFY_SQL:?}" "${COMMIT_SQL:?}"
: "${BLOCKERS_SQL:?}" "${FATE_SQL:?}" "${ANALYZE_SQL:?}" "${TOC_AWK:?}" "${SEQUENCES_AWK:?}"

rm -f committed commit.sent xid word restore.status checked
# Open for reading and writing: nobody who writes a word waits for a reader or is told that there is none.
[ -p go ] || mkfifo go
exec 3<>go

# The word that was awaited, or abort; others are let pass. Run it in the background, its answer is in the file `word`.
word() {
    while IFS= read -r said <&3; do
        case $said in "$1" | abort) break ;; esac
    done
    printf '%s\n' "$said" >word
}

# The settings that a newer pg_restore puts first and an older server does not know are left out, and those that are set here
# stay. Only the lines before the first entry are looked at, so no byte of data can be taken for one.
preamble() {
    while IFS= read -r line; do
        case $line in
        'SET '*' = '*)
            setting=${line#SET }
            setting=${setting%% = *}
            case $setting in lock_timeout | idle_in_transaction_session_timeout | transaction_timeout) continue ;; esac
            grep -Fqx -e "$setting" target.settings || continue
            ;;
        '' | '--' | '-- PostgreSQL database dump'* | '-- Dumped '* | 'SET ROLE '* | 'SELECT pg_catalog.set_config('* | '\restrict '*) ;;
        *)
            printf '%s\n' "$line"
            cat
            return
            ;;
        esac
        printf '%s\n' "$line"
    done
}

archive() { pg_restore -f - --no-owner --no-acl --role="$SANDBOX_ROLE" "$@" source.dump; }

# Everything that the transaction's psql reads. Ends early, without the COMMIT, whenever something is not as it should be.
feed() {
    trap 'kill -s TERM "$waiter" 2>/dev/null; exit 143' TERM
    waiter=
    printf '%s\n' "$IDENTITY_SQL" "$WIPE_SQL" "$CHECKS_SQL" "$WIPED_SQL" "$CHECKS_SQL" '\o ignored'
    { ended=0 && archive -L toc 2>restore.err || ended=$?; echo "$ended" >restore.status; } | preamble
    [ "$(cat restore.status)" = 0 ] || return 1
    printf '%s\n' '\o'
    archive -L toc.sequences 2>restore.err >sequences || { echo "$?" >restore.status && return 1; }
    awk "$SEQUENCES_AWK" sequences
    printf '%s\n' "$CHECKS_SQL" "$VERIFY_SQL"
    rm -f word
    # shellcheck disable=SC2016 # for the inner shell
    timeout 290 sh -c 'while IFS= read -r said; do case $said in commit | abort) break ;; esac; done; echo "$said" >word' <&3 &
    waiter=$!
    echo "$waiter" >word.pid
    wait "$waiter" || :
    : >word.pid
    [ "$(cat word)" = commit ] || return 1
    : >commit.sent
    printf '%s\n' "$COMMIT_SQL"
}

# Who stands in the way, asked in a session of its own.
blockers() {
    session ignored <<END >blockers
$BLOCKERS_SQL
END
}

# The transaction's psql has ended without having proved the commit: why?
explain() {
    refuse_by_outcome
    if [ -e commit.sent ]; then
        settle
        return
    elif grep -q '55P03:' session.err; then
        (blockers) || :
        refuse 28 "a lock was not granted within $LOCK_TIMEOUT, another session or prepared transaction holds it; rolled back" blockers
    else
        # 141 is a pg_restore that nobody listened to any more: the other end went first.
        case $(cat restore.status 2>/dev/null || :) in
        '' | 0 | 141) [ "$1" != 0 ] || refuse 32 "the word to commit did not come, so it was rolled back" word ;;
        *)
            cat session.err >>restore.err
            refuse 29 "the dump could not be read to its end; rolled back" restore.err
            ;;
        esac
    fi
    refuse 30 "a statement failed or the session broke off; rolled back" session.err
}

# COMMIT was sent and its answer did not come: another session asks what became of the transaction, waiting for it in the server.
settle() {
    if (session settle.err <<END
$FATE_SQL
END
    ); then
        case $(cat fate) in
        committed)
            event '{"event":"committed"}'
            return 0
            ;;
        aborted) refuse 30 "the commit failed; rolled back" session.err ;;
        esac
    fi
    refuse 33 "it is not known whether the commit took place" session.err
}

for file in dump list tables identity skipped; do
    [ -e "source.$file" ] || refuse 34 "the dump is not there"
done
awk "$TOC_AWK" source.skipped source.list >toc
awk '$4 == "SEQUENCE" && $5 == "SET"' source.list >toc.sequences

session session.err <<END &
$IDENTITY_SQL
SELECT '{"event":"target",' || substr(:'sl_identity', 2) \g |cat
SELECT name FROM pg_settings \g target.settings
$CHECKS_SQL
$BUDGET_SQL
SELECT 'done' \g checked
END
status=0
await "$!" || status=$?
cat session.err >&2
refuse_by_outcome
[ "$status" != 2 ] || refuse 20 "the sandbox's database cannot be reached with its credentials" session.err
[ "$status" = 0 ] || refuse 30 "the sandbox could not be checked" session.err
event '{"event":"checked"}'

event '{"event":"waiting","for":"restore"}'
word restore &
await "$!"
[ "$(cat word)" = restore ] || refuse 32 "told to stop before anything was touched"

session session.err <<END &
$IDENTITY_SQL
$SESSIONS_SQL
END
status=0
await "$!" || status=$?
cat session.err >&2
refuse_by_outcome
[ "$status" != 2 ] || refuse 20 "the sandbox's database cannot be reached with its credentials" session.err
[ "$status" = 0 ] || refuse 30 "the sessions in the sandbox could not be looked at" session.err

event '{"event":"restoring"}'
# A pipe by way of a FIFO, so that both ends' numbers are known. Each end sees the other go, as long as nobody
# else keeps it open: hence `exec`, since a shell keeps a copy of what it redirects for a function.
rm -f sql
mkfifo sql
# shellcheck disable=SC2094 # the same FIFO is meant
exec 4<>sql 5>sql 6<sql 4>&-
(exec >&5 5>&- 6<&- && feed) &
feeder=$!
(exec <&6 5>&- 6<&- && session session.err) &
echo "$feeder" >feed.pid
exec 5>&- 6<&-
status=0
await "$!" || status=$?
kill -s TERM "$feeder" 2>/dev/null || :
wait "$feeder" || :
: >feed.pid
cat session.err >&2
[ ! -s restore.err ] || cat restore.err >&2
[ -e committed ] || explain "$status"

# The commit stands whatever comes of this.
session session.err <<END &
$ANALYZE_SQL
END
if await "$!"; then
    event '{"event":"analyzed"}'
else
    cat session.err >&2
    event "{\"event\":\"analyzed\",\"failed\":[$(items session.err)]}"
fi
