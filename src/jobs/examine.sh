# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what the texts beside it set, or read
# Comes before both scripts of `doctor --deep`. Nothing is changed in either database: every session asks for read-only transactions, and
# what a refresh would refuse is told, and is not the end.
: "${FACTS_SQL:?}"
export PGOPTIONS='-c default_transaction_read_only=on'

# A session of its own that runs these texts to its end, or to their first refusal.
examine() {
    rm -f outcome
    converse
    tell "\\set sl_client_major $(client_major)" "$@"
    farewell
    [ ! -s outcome ] || { IFS='|' read -r _ refused <outcome && event "$refused"; }
}

# examined CODE WHOSE: the facts of a database. Fails, and has said so, when it cannot be reached.
examined() {
    examine "$IDENTITY_SQL" "$FACTS_SQL"
    [ "$status" != 0 ] || return 0
    say_refused "$1" "the database of $2 cannot be reached with its credentials, or not be read" session.err
    return 1
}
