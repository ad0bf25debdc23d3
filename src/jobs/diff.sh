# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what the texts beside it set, or read
# diff: tells what differs between the sandbox and the set in $SET_DIR, as one snapshot of the sandbox has it, and changes nothing: its
# transaction is rolled back. With ROWS the rows themselves, old values (the set's) and new ones (the sandbox's). PRODUCTION is production's
# database as the record has it, or empty.
#
# Exit codes:
#   40 the sandbox's database cannot be reached
#   41 the login may not do what comparing takes
#   42 a lock was not granted in time
#   43 the dump could not be read to its end
#   44 a statement failed, or the session broke off
#   45 the set is not there
#   46 this is not the sandbox's database
: "${SANDBOX_ROLE:?}" "${LOCK_TIMEOUT:?}" "${ROWS?}" "${LOOK_SQL:?}" "${STRANGER_SQL:?}" "${PRODUCTION?}" "${DIFFERING_SQL:?}" "${NARROW_SQL:?}" "${TEMPORARY_SQL:?}" "${MOVES_SQL:?}"
: "${DIFFERENCES_SQL:?}" "${ROWS_AWK:?}"
unreadable=43

# The session has ended before its time: why?
explain() {
    farewell
    refuse_by_outcome
    [ -e reached ] || [ "$status" != 2 ] || refuse 40 "the sandbox's database cannot be reached with its credentials" session.err
    ! grep -q '55P03:' session.err || refuse 42 "a lock was not granted within $LOCK_TIMEOUT" session.err
    refuse 44 "a statement failed or the session broke off" session.err
}

for file in dump list manifest; do
    [ -e "$SET_DIR/source.$file" ] || refuse 45 "the set is not there"
done
rm -f reached moving
converse
tell "$IDENTITY_SQL" '\set sl_stranger 46' "$STRANGER_SQL" "$PINNED_SQL" "$LOOK_SQL" "$SCHEMA_SQL" "$PRINTS_SQL" "$POSITIONS_SQL" "$DIFFERING_SQL" "$NARROW_SQL" "$TEMPORARY_SQL"
hear || explain
pour_moving
tell "$MOVES_SQL" "$DIFFERENCES_SQL"
hear || explain
farewell
[ "$status" = 0 ] || refuse 44 "a statement failed or the session broke off" session.err
