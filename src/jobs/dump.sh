# shellcheck shell=sh
# dump: reads production once and leaves in $TMPDIR what `restore` needs. Its credentials can be read-only ones.
#   source.dump (pg_dump -Fc, the whole schema public), source.list (its table of contents), source.tables (exact counts),
#   source.identity, source.skipped
# Sequences are not versioned: pg_dump reads them after the snapshot was taken, so the archive never lags behind the rows.
# What the archive says is what the sandbox gets and is compared with; they are not read a second time here.
#
# Exit codes:
#   10 production's database cannot be reached
#   11 production would accept writes from this session
#   12 the client is older than production's server
#   13 production could not be counted
#   14 pg_dump failed
#   15 the dump does not hold exactly what was counted
#   16 production has fewer tables than it must
: "${TABLE_PREFIX:?}" "${MIN_TABLES:?}" "${SKIP_FUNCTIONS?}" "${DUMP_SQL:?}" "${DUMP_AWK:?}"

export PGOPTIONS='-c default_transaction_read_only=on'
# shellcheck disable=SC2046 # "pg_dump (PostgreSQL) 17.2 (…)": the words are wanted
set -- $(pg_dump --version)
CLIENT_MAJOR=${3%%[!0-9]*}
export CLIENT_MAJOR

rm -f source.* dump.status
session session.err <<END &
$IDENTITY_SQL
$DUMP_SQL
END
status=0
await "$!" || status=$?
cat session.err >&2
[ ! -s dump.err ] || cat dump.err >&2
refuse_by_outcome
if [ "$status" != 0 ]; then
    [ -s source.tables ] || [ "$status" != 2 ] ||
        refuse 10 "production's database cannot be reached with its credentials" session.err
    refuse 13 "production could not be read and counted" session.err
fi
[ "$(cat dump.status)" = 0 ] || refuse 14 "pg_dump failed" dump.err

pg_restore --list source.dump >source.list 2>dump.err || refuse 15 "the dump cannot be read back" dump.err
awk "$DUMP_AWK" source.oids source.list >dump.found
read -r entries prefixed missing extra odd <dump.found
[ "$missing $extra $odd" = "0 0 0" ] ||
    refuse 15 "the dump is not what was counted: $missing tables are missing, $extra were not counted, $odd entries have no place in it"
[ "$prefixed" -ge "$MIN_TABLES" ] ||
    refuse 16 "the dump has $prefixed tables with the prefix, fewer than --min-tables $MIN_TABLES"
bytes=$(wc -c <source.dump)
event "{\"event\":\"dumped\",\"bytes\":$((bytes)),\"entries\":$((entries))}"
