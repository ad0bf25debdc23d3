# rows.awk MOVING DATA: leads the archive's rows of each table into the temporary table sl_N. MOVING has a line for each: N, its entry's
# number, and how many lines its COPY has beyond the first; after `of` come the only stretches of 128 keys whose rows are wanted: a
# line begins with its key. DATA holds the archive's entries in the order of the file `order`.
FILENAME == ARGV[1] {
    place[$2] = $1
    more[$2] = $3
    narrow[$2] = $4 == "of"
    for (field = 5; field <= NF; field++) { wanted[$2, $field] }
    next
}
FILENAME == ARGV[2] {
    if ($3 in place) { entry[++entries] = $3 }
    next
}
inside == 2 && $0 == "\\." {
    print
    inside = 0
    next
}
inside == 2 && narrowed {
    stretch = int($0 / 128)
    if ($0 + 0 < stretch * 128) { stretch-- }
    if ((oid, stretch) in wanted) { print }
    next
}
inside == 2 {
    print
    next
}
inside == 1 {
    if (--lines == 0) { inside = 2 }
    next
}
/^COPY / {
    oid = entry[++at]
    print "COPY pg_temp.sl_" place[oid] " FROM stdin;"
    lines = more[oid]
    narrowed = narrow[oid]
    inside = lines ? 1 : 2
}
# A stream that ends within a table, or has fewer than it was asked for, is no archive.
END { if (inside || at != entries) { exit 1 } }
