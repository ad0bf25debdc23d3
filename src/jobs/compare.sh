# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what the texts beside it set, or read
# Finds out what differs, for restore.sh: in the transaction that will put it right, under its locks.
: "${COMPARE_SQL:?}" "${SHARES_SQL:?}" "${BESIDE_SQL:?}" "${GATHERED_SQL:?}" "${STAMP_SQL:?}" "${CLAIMED_SQL:?}" "${STAMPED_SQL:?}"
: "${FORESEEN_SQL:?}" "${JOINED_SQL:?}" "${COMPARED_SQL:?}" "${NARROW_SQL:?}" "${TEMPORARY_SQL:?}"

# What differs, and which way it is put right. A second session reads a share of the rows; where it cannot, the first one reads it as well. It
# connects while the first one takes its locks, which was heard to have begun: a role that may have one session only shall have this one.
compare() {
    [ ! -e beside.begun ] || rm -f beside.*
    [ -p questions ] || mkfifo questions
    exec 6<>questions
    (exec 5>&- 9<&- && session beside.err <&6 >ignored) &
    beside=$!
    tell "$PINNED_SQL" "$COMPARE_SQL" "$SHARES_SQL"
    listen
    read -r snapshot <heard
    # Less than a FIFO holds, whether or not somebody reads.
    printf '%s\n' "\\set sl_snapshot $snapshot" "$BESIDE_SQL" "$PINNED_SQL" "$PRINTS_SQL" "$GATHERED_SQL" >&6
    [ -z "$STAMP" ] || tell "$STAMP_SQL" "$CLAIMED_SQL" "$STAMPED_SQL"
    tell '\if :sl_unread' "$SCHEMA_SQL" '\endif' "$FORESEEN_SQL" \
        '\if :sl_foreseen' '\else' "$POSITIONS_SQL" "$PRINTS_SQL" '\o told' '\qecho read' '\o' '\endif'
    listen
    read -r foreseen <heard
    if [ "$foreseen" != f ]; then
        # psql passes it on to the server; a pooler may keep it waiting for the first one's end.
        kill -s INT "$beside" 2>/dev/null || :
        [ -e beside.begun ] || end "$beside"
    else
        listen
        if [ -e beside.begun ]; then
            # In the server, for however long it takes to read: a session that only waits for its next statement is soon taken for a lost one.
            tell 'SET LOCAL lock_timeout = 0;' "SELECT pg_advisory_xact_lock(hashtext(:'sl_snapshot')) \\g ignored" \
                "SET LOCAL lock_timeout = :'sl_lock_timeout';"
        else
            end "$beside"
        fi
    fi
    gathered=0
    await "$beside" 2>/dev/null || gathered=$?
    exec 6<&-
    case $foreseen$gathered in
    t*) ;;
    f0) tell "\\set sl_beside \`exec cat beside.tables\`" "$JOINED_SQL" ;;
    *)
        plain beside.err
        cat beside.err >&2
        tell '\set sl_beside :sl_tables' '\set sl_only :sl_share' "$PRINTS_SQL" "$JOINED_SQL"
        ;;
    esac
    tell "$COMPARED_SQL" "$NARROW_SQL" "$TEMPORARY_SQL"
    listen
}
