# shellcheck shell=sh
# shellcheck disable=SC2154 # what the texts beside it set, or read
# Reads entries of the set's archive into the session that is talked with. The script says with which code an archive that cannot be read
# is refused, and explains a session that has ended.

# The entries of the tables in `moving`, as lines of the archive's list.
entries_of_moving() {
    awk 'NR == FNR { place[$2]; next } $2 == 0 && $4 == "TABLE" && $5 == "DATA" && $3 in place' moving "$SET_DIR/source.list" >toc.moving
}

# A filter: each table's rows go to the temporary table that was made for them.
to_temporary() { exec awk "$ROWS_AWK" moving toc.moving -; }

# pour LIST FILTER: the archive's entries of the list go by way of the filter into the session. Who fails first is to blame: a session
# that has ended has closed its end, one that still reads has done nothing wrong, and is ended here.
pour() {
    rm -f raw
    mkfifo raw
    (exec 5>&- 9<&- && exec pg_restore -f - --no-owner --no-acl --role="$SANDBOX_ROLE" -L "$1" "$SET_DIR/source.dump" >raw 2>restore.err) &
    reader=$!
    (exec 9<&- && exec <raw >&5 5>&- && "$2") 2>filter.err &
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
