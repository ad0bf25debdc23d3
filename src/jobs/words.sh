# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what the texts beside it set, or read
# The words that the tool says, line by line: over the FIFO `go`, or where WORDS is stdin over that.
: "${WORDS?}"

if [ "$WORDS" = stdin ]; then
    exec 3<&0
else
    # Open for reading and writing: nobody who writes a word waits for a reader or is told that there is none.
    [ -p go ] || mkfifo go
    exec 3<>go
fi

# Waits for this word, or abort; others are let pass. What came is in the file `word`; nothing, if it took more than so many seconds or
# the session that is talked with has ended. Whoever is first ends the clock.
word() {
    rm -f word
    (exec 5>&- 9<&- && exec sleep "$2") &
    clock=$!
    (
        exec 5>&- 9<&-
        said=abort
        while IFS= read -r said <&3; do
            case $said in "$1" | abort) break ;; esac
            said=abort
        done
        printf '%s\n' "$said" >word
        kill -s KILL "$clock"
    ) 2>/dev/null &
    listener=$!
    watcher=
    if [ -n "$talking" ]; then
        # It tells nothing meanwhile but its end.
        (exec 5>&-; read -r line <&9 || kill -s KILL "$clock") 2>/dev/null &
        watcher=$!
    fi
    await "$clock" 2>/dev/null || :
    for child in "$listener" $watcher; do
        kill -s KILL "$child" 2>/dev/null || :
        await "$child" 2>/dev/null || :
    done
    [ -s word ] && read -r said <word && [ "$said" = "$1" ]
}
