# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what the texts beside it set, or read
# restore: checks that this is the sandbox and nothing else, waits to be let go, and brings schema public to the set in $SET_DIR in ONE
# transaction: where the schemas are the same only the rows that differ are put back, else all is wiped and restored. It is committed
# only when what stands there was found equal to the set, and the tool has said so.
# Whatever else happens, the connection ends with the transaction open and the server rolls back: the old sandbox stands.
# SOURCE says what the set is: production, a backup of it, a checkpoint of this very sandbox, or own-backup, which is a backup of the
# sandbox: its database may have been lost and made anew since. FULL wipes and restores in any case.
# PRODUCTION is production's database as the record has it, or empty. ONLINE leaves the application connected. SET_SHA256 has the sums of
# source.dump and source.manifest, or is empty. STAMP is the file for what stamp.sql says of a checkpoint, or is empty. What the tool has put
# into $SET_DIR as after.sql by then is run before the commit.
# Words come over the FIFO `go`, or where WORDS is stdin over that: restore, then commit. `abort` at either place ends it. Before the first
# one nothing is changed; where the application stays connected it is found out meanwhile what differs.
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
#   35 the set is damaged
#   36 the statements to be run after the restore failed
: "${SANDBOX_ROLE:?}" "${SOURCE_DATABASE:?}" "${LOCK_TIMEOUT:?}" "${SESSION_GRACE_SECONDS:?}"
: "${SOURCE:?}" "${FULL?}" "${ONLINE?}" "${SET_SHA256?}" "${STAMP?}" "${PRODUCTION?}"
: "${TARGET_SQL:?}" "${CHECKS_SQL:?}" "${ANEW_SQL:?}" "${BUDGET_SQL:?}" "${SESSIONS_SQL:?}" "${BEGIN_SQL:?}" "${MOVES_SQL:?}"
: "${PUT_BACK_SQL:?}" "${GRANTS_SQL:?}" "${TAKEN_SQL:?}" "${WIPE_SQL:?}" "${REGRANT_SQL:?}" "${SEQUENCES_SQL:?}" "${VERIFY_SQL:?}"
: "${AFTER_SQL:?}" "${READY_SQL:?}" "${COMMIT_SQL:?}" "${BLOCKERS_SQL:?}" "${FATE_SQL:?}" "${ANALYZE_SQL:?}"
: "${TOC_AWK:?}" "${ROWS_AWK:?}"
unreadable=29

rm -f after.begun analyzed stamped committed commit.sent xid word checked moving reader.status

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
            exec cat
            ;;
        esac
        printf '%s\n' "$line"
    done
}

# A session that has ended before its time had something to refuse, or never came about.
refuse_unreachable() {
    refuse_by_outcome
    [ "$status" != 2 ] || refuse 20 "the sandbox's database cannot be reached with its credentials" session.err
}

# A session of its own that runs these texts to its end.
ask() {
    converse
    tell "$@"
    farewell
    refuse_unreachable
}

# The transaction's session has ended without having proved the commit: why?
explain() {
    refuse_by_outcome
    if grep -q '55P03:\|40P01:' session.err; then
        (session ignored >blockers <<END
$BLOCKERS_SQL
END
        ) &
        await "$!" || :
        refuse 28 "a lock was not granted within $LOCK_TIMEOUT, another session or prepared transaction holds it; rolled back" blockers
    fi
    [ ! -e after.begun ] || refuse 36 "the statements of --after-restore-sql failed; rolled back" session.err
    refuse 30 "a statement failed or the session broke off; rolled back" session.err
}

# Until the transaction's session tells that it is so far; without that it has ended.
listen() {
    hear || { farewell && explain; }
}

# COMMIT was sent and its answer did not come: another session asks what became of the transaction, waiting for it in the server.
settle() {
    (session settle.err <<END
$FATE_SQL
END
    ) &
    if await "$!"; then
        case $(cat fate) in
        committed)
            event '{"event":"committed"}'
            return
            ;;
        aborted) refuse 30 "the commit failed; rolled back" session.err ;;
        esac
    fi
    refuse 33 "it is not known whether the commit took place" session.err
}

# Waits for the word to go on. Once compared, writers wait too: not for as long as a large checkpoint may take to be read, but then they are let
# go, and all is compared again. The word may have come at that moment and be lost, so it is asked for again.
permit() {
    event '{"event":"waiting","for":"restore"}'
    if [ -n "$compared" ]; then
        ! word restore 30 || return 0
        farewell
        [ "$status" = 0 ] || explain
        [ ! -s word ] || return 1
        compared=
        event '{"event":"waiting","for":"restore"}'
    fi
    word restore 7200
}

for file in dump list identity skipped manifest; do
    [ -e "$SET_DIR/source.$file" ] || refuse 34 "the dump is not there"
done
if [ -n "$SET_SHA256" ]; then
    (exec sha256sum "$SET_DIR/source.dump" "$SET_DIR/source.manifest" >sums) &
    await "$!" || refuse 35 "the set cannot be read"
    [ "$(cut -c 1-64 sums | tr '\n' ' ')" = "$SET_SHA256 " ] || refuse 35 "the set is damaged: its files are not those that were saved"
fi

# Where nothing has to be stopped first the session is kept, and finds out at once what differs.
early=
[ -z "$ONLINE" ] || [ -n "$FULL" ] || early=1
converse
tell "$IDENTITY_SQL" "$TARGET_SQL"
[ -z "$early" ] || tell "$BEGIN_SQL"
tell "$CHECKS_SQL" "$ANEW_SQL" "$BUDGET_SQL"
# Elsewhere it is not known yet whether anything is wiped.
[ -z "$FULL" ] || tell "$TAKEN_SQL"
tell '\o told' '\qecho checked' '\o'
awk "$TOC_AWK" "$SET_DIR/source.skipped" "$SET_DIR/source.list" | awk '!($4 == "SEQUENCE" && $5 == "SET")' >toc
awk '$4 == "MATERIALIZED" && $5 == "VIEW" && $6 == "DATA"' "$SET_DIR/source.list" >toc.views
if ! hear || [ -z "$early" ]; then
    farewell
    refuse_unreachable
    [ "$status" = 0 ] || refuse 30 "the sandbox could not be checked" session.err
fi
event '{"event":"checked"}'
compared=
if [ -n "$early" ]; then
    compare
    compared=1
fi
if ! permit; then
    [ -s word ] || refuse 32 "the word to go on did not come in two hours: nothing was touched"
    refuse 32 "told to stop before anything was touched"
fi
if [ -z "$ONLINE" ]; then
    ask "$IDENTITY_SQL" "$SESSIONS_SQL"
    [ "$status" = 0 ] || refuse 30 "the sessions in the sandbox could not be looked at" session.err
fi

event '{"event":"restoring"}'
if [ -z "$compared" ]; then
    converse
    tell "$IDENTITY_SQL"
fi
if [ -z "$FULL" ]; then
    if [ -z "$compared" ]; then
        tell "$BEGIN_SQL" "$CHECKS_SQL" '\o told' '\qecho begun' '\o'
        listen
        compare
    fi
    read -r way <mode
    # A materialized view may have been filled from rows that have been put back since.
    [ "$way" != same ] || [ ! -s toc.views ] || way=differences
else
    event '{"event":"compared","mode":"full","why":"asked for"}'
    way=full
fi
case $way in
full)
    tell "$BEGIN_SQL" "$CHECKS_SQL" "$GRANTS_SQL" "$TAKEN_SQL" "$WIPE_SQL" "$CHECKS_SQL" '\o ignored' "SELECT json_array_elements_text(:'sl_defaults') \\gexec"
    pour_all
    tell '\o' "$PINNED_SQL" "$REGRANT_SQL" "$SEQUENCES_SQL" "$CHECKS_SQL"
    [ -z "$STAMP" ] || tell "$STAMP_SQL" "$CLAIMED_SQL" "$STAMPED_SQL" "SELECT :'sl_stamp' \\g stamped"
    tell "$SCHEMA_SQL" "$PRINTS_SQL" "$POSITIONS_SQL" "$VERIFY_SQL"
    ;;
differences)
    pour_moving
    tell "$MOVES_SQL" "$PUT_BACK_SQL"
    # Also where no row moved: one may have been filled from rows that have been put back since.
    if [ -s toc.views ]; then
        tell '\o ignored'
        pour preamble archive toc.views
        tell '\o'
    fi
    tell "$PINNED_SQL" "$PRINTS_SQL" "$POSITIONS_SQL" "$VERIFY_SQL"
    ;;
same)
    # What was read under the locks is the proof.
    event '{"event":"put_back","tables":0,"sequences":0,"added":0,"changed":0,"removed":0}'
    tell "\\set sl_many '[]'" "$VERIFY_SQL"
    ;;
esac
[ ! -e "$SET_DIR/after.sql" ] || tell "$AFTER_SQL" "$CHECKS_SQL"
tell "$READY_SQL"
listen
if ! word commit 290; then
    farewell
    [ "$status" = 0 ] || explain
    refuse 32 "the word to commit did not come, so it was rolled back" word
fi
: >commit.sent
tell "$COMMIT_SQL"
if ! hear; then
    farewell
    [ -e committed ] || settle
    converse
    tell "$IDENTITY_SQL" "\\set sl_many ''"
fi

# The commit stands whatever comes of this.
tell "$ANALYZE_SQL"
farewell
if [ -e analyzed ]; then
    event '{"event":"analyzed"}'
else
    event "{\"event\":\"analyzed\",\"failed\":[$(items session.err)]}"
fi
# Only a shortcut: without it the next one reads the schema again.
if [ -s stamped ] && ! { cat stamped >"$STAMP.part" && mv -f "$STAMP.part" "$STAMP"; } 2>stamp.err; then
    cat stamp.err >&2
fi
