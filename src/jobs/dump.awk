# dump.awk OIDS LIST: compares the counted tables (oid, kind, prefixed) with what `pg_restore --list` shows, by oid, since names may
# hold anything. Prints: entries, tables with the prefix, missing, not counted, entries that must not be there.
FILENAME == ARGV[1] {
    kind[$1] = $2
    prefixed[$1] = $3
    next
}
/^;/ || NF == 0 { next }
{ entries++ }
$2 == 1259 && $4 == "TABLE" && $5 == "public" {
    if ($3 in kind) { table[$3] = 1 } else { extra++ }
    wanted += prefixed[$3]
}
$2 == 0 && $4 == "TABLE" && $5 == "DATA" { data[$3] = 1 }
# Large objects are restored between a BEGIN and a COMMIT of their own: those would end the one transaction.
$4 ~ /^BLOB/ || $4 == "LARGE" { odd++ }
END {
    for (oid in kind) {
        if (!(oid in table) || (kind[oid] == "r" && !(oid in data))) { missing++ }
    }
    print entries + 0, wanted + 0, missing + 0, extra + 0, odd + 0
}
