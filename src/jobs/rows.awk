# rows.awk MOVING REPLACED ORDER DATA: leads the rows of each table into the temporary table sl_N. MOVING has a line for each: N, or `-` for where
# they came from, its entry's number, and how many lines its COPY has beyond the first; after `of` come the only stretches of 128 keys whose
# rows are wanted: a line begins with its key. A line of REPLACED is an entry's number and, after `of`, the stretches whose rows here are not
# the set's. DATA has a COPY for each line of ORDER, an entry's number; what MOVING does not have is passed over.
# mawk would shorten the number of a stretch beyond 2^31 where it becomes a subscript.
BEGIN { CONVFMT = "%.0f" }
# A row: first, as there are many.
inside == 2 {
    if ($0 == "\\.") {
        if (meant) { print }
        inside = 0
    } else if (narrowed) {
        stretch = int($0 / 128)
        if ($0 + 0 < stretch * 128) { stretch-- }
        if ((!narrow[oid] || (oid, stretch) in wanted) && !((oid, stretch) in replaced)) { print }
    } else if (meant) {
        print
    }
    next
}
inside == 1 {
    if (--lines == 0) { inside = 2 }
    next
}
FILENAME == ARGV[1] {
    place[$2] = $1
    more[$2] = $3
    narrow[$2] = $4 == "of"
    for (field = 5; field <= NF; field++) { wanted[$2, $field] }
    next
}
FILENAME == ARGV[2] {
    for (field = 3; field <= NF; field++) { replaced[$1, $field] }
    picked[$1]
    next
}
FILENAME == ARGV[3] {
    entry[++entries] = $1
    next
}
/^COPY / {
    oid = entry[++at]
    meant = oid in place
    if (meant) { print place[oid] == "-" ? $0 : "COPY pg_temp.sl_" place[oid] " FROM stdin;" }
    lines = more[oid]
    narrowed = meant && (narrow[oid] || oid in picked)
    inside = lines ? 1 : 2
}
# A stream that ends within a table, or has fewer than it was asked for, is no archive.
END { if (inside || at != entries) { exit 1 } }
