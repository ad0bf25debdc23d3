# shellcheck shell=sh
# shellcheck disable=SC2154 # what the texts beside it set
# source: production's side of `doctor --deep`: facts, whether its login could write, and all that the dump would refuse before it begins.
# Leaves source.identity in $SET_DIR, for the other container.
#
# Exit codes:
#   0 all has been told
: "${READS:?}" "${TABLE_PREFIX:?}" "${MIN_TABLES:?}" "${SOURCE_SQL:?}" "${WRITABLE_SQL:?}" "${DUMP_SQL:?}" "${SNAPSHOT_SQL:?}"

examined 10 production || exit 0
examine "$IDENTITY_SQL" "$SOURCE_SQL"
[ "$status" = 0 ] || say_refused 13 "it cannot be told who owns production's objects" session.err
examine "$IDENTITY_SQL" "$WRITABLE_SQL"
[ "$status" = 0 ] || say_refused 13 "it cannot be told what production's login may write" session.err
examine "$IDENTITY_SQL" "$DUMP_SQL" "$SNAPSHOT_SQL"
[ "$status" = 0 ] || say_refused 13 "production cannot be read as a dump does" session.err
