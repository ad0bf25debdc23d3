# shellcheck shell=sh
# shellcheck disable=SC2154 # what the texts beside it set
# target: the sandbox's side of `doctor --deep`: facts, all that a restore would refuse before it waits, who has held locks for long, and the
# room on the volume where a dump would lie.
#
# Exit codes:
#   0 all has been told
: "${SANDBOX_ROLE:?}" "${SOURCE_DATABASE:?}" "${SOURCE:?}" "${HELD_SECONDS:?}"
: "${CHECKS_SQL:?}" "${BUDGET_SQL:?}" "${BLOCKERS_SQL:?}"

df -Pk . | while read -r _ _ _ free _; do
    case $free in '' | *[!0-9]*) continue ;; esac
    event "{\"event\":\"scratch\",\"free_kilobytes\":$free}"
done
examined 20 "the sandbox" || exit 0
if [ -s "$SET_DIR/source.identity" ]; then
    examine "$IDENTITY_SQL" "$CHECKS_SQL" "$BUDGET_SQL" "SELECT '{\"event\":\"checked\"}' \\g |exec cat"
    [ "$status" = 0 ] || say_refused 30 "the sandbox cannot be checked" session.err
else
    say_refused 34 "what the sandbox must have of production is not known, as production did not answer"
fi
(session blockers.err <<END >blockers
$BLOCKERS_SQL
END
) &
await "$!" || say_refused 30 "it cannot be told who holds locks in the sandbox" blockers.err
[ ! -s blockers ] || say_refused 28 "locks in the sandbox have been held for longer than $HELD_SECONDS s, and a restore waits for no lock longer than its lock timeout" blockers
