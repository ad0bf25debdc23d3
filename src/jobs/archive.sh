# shellcheck shell=sh
# shellcheck disable=SC2154 # what the texts beside it set, or read
# Reads entries of the set's archive, and what the set has otherwise, into the session that is talked with. The script says with which code
# an archive that cannot be read is refused, and explains a session that has ended.

# The entries of the list $1 that are in the archive.
archive() {
    exec pg_restore -f - --no-owner --no-acl --role="$SANDBOX_ROLE" -L "$1" "$SET_DIR/source.dump"
}

# What the set has otherwise than its archive.
changes() { exec cat "$SET_DIR/source.changed"; }

# Of those the tables, as the text of changed.sql begins.
replaced() {
    if [ -e "$SET_DIR/source.changed" ]; then
        awk '$0 == "--" { exit } { sub(/^-- /, ""); print }' "$SET_DIR/source.changed"
    fi >replaced
}

# kept KIND LIST: leaves out the data of the tables that are there: of all (any), or of those of which all is there (whole).
kept() {
    awk -v kind="$1" 'FILENAME == ARGV[1] { if (kind == "any" || NF == 1) { out[$1] } next } !($2 == 0 && $4 == "TABLE" && $5 == "DATA" && $3 in out)' \
        replaced "$2"
}

# Filters: each table's rows go to the temporary table that was made for them, or to where they came from.
to_temporary() { exec awk "$ROWS_AWK" moving replaced order -; }
changes_to_temporary() { exec awk "$ROWS_AWK" moving /dev/null order -; }
to_their_place() { exec awk "$ROWS_AWK" staying replaced order -; }
as_it_is() { exec cat; }

# The rows of the tables in `moving`.
pour_moving() {
    replaced
    awk 'FILENAME == ARGV[1] { place[$2]; next } $2 == 0 && $4 == "TABLE" && $5 == "DATA" && $3 in place' moving "$SET_DIR/source.list" >toc.all
    kept whole toc.all >toc.moving
    awk '{ print $3 }' toc.moving >order
    [ ! -s order ] || pour to_temporary archive toc.moving
    awk '{ print $1 }' replaced >order
    [ ! -s order ] || pour changes_to_temporary changes
}

# All entries of the list `toc`. What the set has otherwise comes behind the rows, while nothing is there yet that watches over them.
pour_all() {
    if [ ! -e "$SET_DIR/source.changed" ]; then
        pour preamble archive toc
        return
    fi
    replaced
    last=$(awk '$2 == 0 && $4 == "TABLE" && $5 == "DATA" { last = NR } END { print last + 0 }' toc)
    head -n "$last" toc >toc.first
    kept any toc.first >toc.rows
    pour preamble archive toc.rows
    awk 'FILENAME == ARGV[1] { if (NF > 1) { partly[$1] } next } $2 == 0 && $4 == "TABLE" && $5 == "DATA" && $3 in partly' replaced toc.first >toc.partly
    awk '{ print $3 }' toc.partly >order
    awk '{ print "-", $3, 0 }' toc.partly >staying
    [ ! -s order ] || pour to_their_place archive toc.partly
    tell "$PINNED_SQL"
    pour as_it_is changes
    tail -n "+$((last + 1))" toc >toc.behind
    [ ! -s toc.behind ] || pour preamble archive toc.behind
}

# pour FILTER READER ...: what the reader tells goes by way of the filter into the session. Who fails first is to blame: a session
# that has ended has closed its end, one that still reads has done nothing wrong, and is ended here.
pour() {
    filter=$1
    shift
    rm -f raw
    mkfifo raw
    (exec 5>&- 9<&- && "$@" >raw 2>restore.err) &
    reader=$!
    (exec 9<&- && exec <raw >&5 5>&- && "$filter") 2>filter.err &
    filter=$!
    poured=0
    await "$filter" || poured=$?
    await "$reader" || poured=$?
    plain restore.err filter.err
    cat restore.err filter.err >&2
    if [ "$poured" = 0 ]; then
        # An archive that ended within a table's rows is found out: these end them, and are a comment elsewhere.
        tell '/*' '\.' '*/'
        return
    fi
    kill -s TERM "$talker" 2>/dev/null || :
    farewell
    [ "$status" != 143 ] || refuse "$unreadable" "the dump could not be read to its end; rolled back" restore.err
    explain
}
