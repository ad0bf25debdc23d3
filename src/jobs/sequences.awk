# The archive's setval calls as one SQL statement that keeps them as expectations. A name may run over several lines.
BEGIN {
    call = "SELECT pg_catalog.setval("
    print "SELECT set_config('sandbox_lifecycle.sequences', coalesce((SELECT json_agg(json_build_object('oid', name::regclass::oid,"
    print "'last_value', last_value, 'is_called', is_called)) FROM (VALUES (NULL::text, NULL::bigint, NULL::boolean)"
}
!inside && index($0, call) == 1 {
    inside = 1
    $0 = substr($0, length(call) + 1)
    printf ", ("
}
inside {
    if ($0 ~ /, (true|false)\);$/) {
        inside = 0
        sub(/;$/, "")
    }
    print
}
END { print ") AS s(name, last_value, is_called) WHERE name IS NOT NULL), '[]')::text, true) \\g ignored" }
