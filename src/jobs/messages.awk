# messages.awk: what psql, pg_dump and pg_restore said, without the values of rows that the server puts into it: they are personal data and
# hashes of passwords, and a log is kept. What is kept: the line of the script, SQLSTATE and message, names of table, column and constraint,
# the line of a COPY or of a function. Whatever is not known is left out, and so is the rest of a text of several lines.
/^(psql:[^ ]*:[0-9]+: )?(ERROR|FATAL|PANIC|WARNING|NOTICE|INFO): / {
    code = ""
    if (match($0, /:  [0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z]: /)) {
        code = substr($0, RSTART + RLENGTH - 7, 5)
        head = substr($0, 1, RSTART + RLENGTH - 1)
        text = substr($0, RSTART + RLENGTH)
        if (code ~ /^P0/) { text = "a function of the database has raised it, in words that may hold values" }
        # What is wrong with a value, and what was taken for SQL, tells it.
        if (code ~ /^22/ || code == "42601") { text = unquoted(text) }
        $0 = head text
    }
    print
    next
}
/^(SCHEMA|TABLE|COLUMN|DATATYPE|CONSTRAINT) NAME:  / { print; next }
/^HINT:  / { if (code !~ /^P0/) { print }; next }
/^CONTEXT:  COPY / {
    if (match($0, /, line [0-9]+/)) { print substr($0, 1, RSTART + RLENGTH - 1) }
    next
}
/^CONTEXT:  PL\/pgSQL function [^"]* line [0-9]+ at / { print; next }
/^(psql|pg_dump|pg_restore|awk|mawk|gawk|cat|sh|\/bin\/sh): / { print; next }
/^psql:[^ ]*:[0-9]+: / { print; next }

function unquoted(text,    first, last) {
    sub(/: 0x.*/, "", text)
    first = index(text, "\"")
    if (!first) { return text }
    last = length(text)
    while (last > first && substr(text, last, 1) != "\"") { last-- }
    return substr(text, 1, first - 1) "(a value)" (last > first ? substr(text, last + 1) : "")
}
