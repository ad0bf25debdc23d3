# shellcheck shell=sh
# dump: reads a database once and leaves in $SET_DIR the set that `restore` brings another one to. Its credentials can be read-only ones.
#   source.dump (pg_dump -Fc, the whole schema public), source.list (its table of contents), source.tables (exact counts),
#   source.identity, source.skipped, and last source.manifest: all of it that can be compared in a server. A set that has source.changed, the
#   rows that its dump has otherwise, has source.base as well: the manifest that the dump was made with
# REQUIRE_READ_ONLY is 1 where credentials that could write are to be refused, or else is not set.
# READS says whose database it is: production, or the sandbox, as for a checkpoint. PRODUCTION is production's then, as the record has it, or
# empty.
# ROOM_SH is run beside it, and nothing is written before that has made room for it; or is empty. If it leaves former.manifest and
# former.stamp in $SET_DIR, a set's of before, the schema is read only where it is another since. With former.dump, the sum it
# must have in former.sum, and former.base nothing but what is another than there is saved, where that is not much more than all of it.
# STAMP is the file for the stamp of this one, as stamp.sql says, or is empty.
# Sequences are not versioned: they are read after the snapshot was taken, so they never lag behind the rows.
#
# Exit codes:
#   10 the database cannot be reached
#   11 the database would accept writes from this session
#   12 the client is older than the server
#   13 the database could not be counted
#   14 pg_dump failed
#   15 the dump does not hold exactly what was counted
#   16 the database has fewer tables than it must
#   17 the login could write, and must not be able to
#   18 no room was made for it
#   19 this is not the sandbox's database
: "${READS:?}" "${TABLE_PREFIX:?}" "${MIN_TABLES:?}" "${DUMP_SQL:?}" "${SNAPSHOT_SQL:?}" "${WRITABLE_SQL:?}" "${STRANGER_SQL:?}" "${PRODUCTION?}"
: "${SOURCE_SQL:?}" "${COUNT_SQL:?}" "${DUMP_AWK:?}" "${ROOM_SH?}" "${STAMP?}" "${STAMP_SQL:?}" "${FORMER_SQL:?}" "${CLAIMED_SQL:?}" "${STAMPED_SQL:?}"
: "${BASED_SQL:?}" "${CHANGED_SQL:?}"

export PGOPTIONS='-c default_transaction_read_only=on'
# The session has ended before its time: why?
explain() {
    farewell
    refuse_by_outcome
    [ -e reached ] || [ "$status" != 2 ] || refuse 10 "the database of $READS cannot be reached with its credentials" session.err
    refuse 13 "the database of $READS could not be read and counted" session.err
}

# In the snapshot that the session holds open for it. Level 1, as measured: much faster than the default, and a fifth of the
# space of no compression at all. Where a dump is to last, more than it is brought to the disk later.
dump() {
    # Never into what another set has as well.
    rm -f "$SET_DIR/source.dump" "$SET_DIR/source.base" "$SET_DIR/source.changed"
    (exec 5>&- 9<&- && PGOPTIONS="$PGOPTIONS $session_options" && exec pg_dump -w -Fc -Z1 --no-sync --schema=public --snapshot="$snapshot" --lock-wait-timeout=60s -f "$SET_DIR/source.dump" 2>dump.err) &
    dumper=$!
}

# Finds out beside what follows whether what was lent is what was saved, and can be read by this client.
borrow() {
    (exec 5>&- 9<&- && exec sha256sum "$SET_DIR/former.dump" >lent 2>lent.err) &
    summer=$!
    (exec 5>&- 9<&- && exec pg_restore --list "$SET_DIR/former.dump" >"$SET_DIR/source.list" 2>list.err) &
    lister=$!
    # Not compressed, as the dump is.
    echo "$(($(wc -c <"$SET_DIR/former.dump") + 16777216))" >changed.limit
}

# It is, and what has changed since is there, up to its last line and as long as it was told; psql does not say when a disk was full.
is_borrowed() {
    [ "$based" = t ] || return 1
    sum=$(cut -c 1-64 lent)
    saved=$(cat "$SET_DIR/former.sum")
    if [ "$sum" != "$saved" ]; then
        [ "${#sum} ${#saved}" != '64 64' ] || event '{"event":"damaged"}'
        return 1
    fi
    written=$(cat changed.bytes)
    if [ "$listed" != 0 ] || [ "$((written))" -ge "$(cat changed.limit)" ]; then
        return 1
    fi
    changed=$(wc -c <"$SET_DIR/source.changed")
    if [ "$((changed))" != "$((written))" ] || [ "$(tail -n 1 "$SET_DIR/source.changed")" != '-- end' ]; then
        farewell
        refuse 13 "source.changed could not be written to its end" session.err
    fi
}

rm -f source.oids reached
room=
if [ -n "$ROOM_SH" ]; then
    (exec sh -c "$ROOM_SH" 2>room.err) &
    room=$!
fi
converse
tell "$IDENTITY_SQL"
# What the sandbox's own login could write is no concern; that it leads to the sandbox's database is not known yet.
case $READS in
production) tell "$WRITABLE_SQL" ;;
*) tell '\set sl_stranger 19' "$STRANGER_SQL" ;;
esac
# While it connects.
major=$(client_major)
tell "\\set sl_client_major $major" "$DUMP_SQL"
# The snapshot is not taken before there is room: the documents are read from then on, and a transaction is not left open for as long as that
# may take.
[ -z "$room" ] || await "$room" || refuse 18 "no room was made for the dump" room.err
tell "$SNAPSHOT_SQL"
hear || explain
read -r snapshot <heard
read -r session_options <options || { farewell && refuse 13 "the options of the session could not be written to their end" session.err; }
mkdir -p "$SET_DIR"
rm -f "$SET_DIR"/source.*
tell "$PINNED_SQL"
if [ -n "$STAMP" ]; then
    tell "$STAMP_SQL"
    [ ! -e "$SET_DIR/former.stamp" ] || tell "$FORMER_SQL" "$CLAIMED_SQL" "$STAMPED_SQL" '\unset sl_set'
fi
based=f
if [ -e "$SET_DIR/former.base" ]; then
    tell "$BASED_SQL"
    hear || explain
    read -r based <heard
fi
if [ "$based" = t ]; then borrow; else dump; fi
tell '\if :sl_unread' "$SCHEMA_SQL" '\endif'
[ -z "$STAMP" ] || tell "$STAMPED_SQL" "SELECT :'sl_stamp' \\g :sl_stamp_file"
tell "$PRINTS_SQL" "$POSITIONS_SQL" "$SOURCE_SQL" "$COUNT_SQL"
hear || explain
# psql does not say when a disk was full: each of these is one JSON object in one line.
for file in source.identity source.manifest.part; do
    [ "$(tail -c 2 "$SET_DIR/$file")" = "}" ] || { farewell && refuse 13 "$file could not be written to its end" session.err; }
done
changed=0 borrowed=$based
if [ "$borrowed" = t ]; then
    tell "$CHANGED_SQL"
    hear || explain
    read -r based <heard
    await "$summer" || :
    listed=0
    await "$lister" || listed=$?
    if is_borrowed; then
        mv -- "$SET_DIR/former.dump" "$SET_DIR/source.dump"
        mv -- "$SET_DIR/former.base" "$SET_DIR/source.base"
    else
        borrowed=f
        dump
    fi
fi
if [ "$borrowed" != t ]; then
    status=0
    await "$dumper" || status=$?
    plain dump.err
    cat dump.err >&2
    [ "$status" = 0 ] || refuse 14 "pg_dump failed" dump.err
    (exec 5>&- 9<&- && exec pg_restore --list "$SET_DIR/source.dump" >"$SET_DIR/source.list" 2>dump.err) &
    await "$!" || refuse 15 "the dump cannot be read back" dump.err
fi
awk "$DUMP_AWK" source.oids "$SET_DIR/source.list" >dump.found
read -r entries prefixed missing extra odd <dump.found
[ "$missing $extra $odd" = "0 0 0" ] ||
    refuse 15 "the dump is not what was counted: tables that are missing: $missing, that were not counted: $extra; entries with no place in it: $odd"
[ "$prefixed" -ge "$MIN_TABLES" ] ||
    refuse 16 "the dump has $prefixed tables with the prefix, fewer than --min-tables $MIN_TABLES"
bytes=$(wc -c <"$SET_DIR/source.dump")
rm -f "$SET_DIR"/former.*
mv "$SET_DIR/source.manifest.part" "$SET_DIR/source.manifest"
event "{\"event\":\"dumped\",\"bytes\":$((bytes + changed)),\"entries\":$((entries))}"
# It held the snapshot until pg_dump was done, and has nothing more to tell.
farewell
[ "$status" = 0 ] || refuse 13 "the session that read and counted the database of $READS did not end well" session.err
