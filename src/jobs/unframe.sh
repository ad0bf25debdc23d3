# shellcheck shell=sh
# Comes before each script that is sent more than words: what is in the frames on stdin goes to stdout. A frame is a line `SIZE COUNT`, then
# SIZE x COUNT bytes, until the line `end`: an exec of old servers never sees the end of stdin, and a stream that is cut must not look complete.
unframe() {
    while read -r size count; do
        [ "$size" != end ] || return 0
        dd bs="$size" count="$count" iflag=fullblock 2>/dev/null || return 1
    done
    return 1
}
