# toc.awk SKIPPED LIST: the entries that a member role restores. Left out by exact entry, never by a loose match: schema public itself
# and its comment, extensions (the sandbox was seen to have them), and the functions to skip, by oid, with what hangs on them.
FILENAME == ARGV[1] {
    tab = index($0, "\t")
    skipped[substr($0, 1, tab - 1)] = 1
    tag[substr($0, tab + 1)] = 1
    next
}
/^;/ || NF == 0 { next }
$2 == 2615 && $4 == "SCHEMA" && $5 == "-" && $6 == "public" { next }
($4 == "COMMENT" || $4 == "ACL") && $5 == "-" && ($6 == "SCHEMA" && $7 == "public" || $6 == "EXTENSION") { next }
$2 == 3079 && $4 == "EXTENSION" && $5 == "-" { next }
$2 == 1255 && ($3 in skipped) { next }
($4 == "COMMENT" || $4 == "ACL") && $5 == "public" && $6 == "FUNCTION" {
    rest = $0
    sub(/^[0-9]+; [0-9]+ [0-9]+ [A-Z]+ public /, "", rest)
    for (start in tag) {
        if (index(rest, start) == 1) { next }
    }
}
{ print }
