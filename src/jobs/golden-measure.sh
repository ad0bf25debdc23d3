# shellcheck shell=sh
# Says what the set $SET holds, for golden-seal.sh: a line `SHA256  PATH` a file, then `BYTES PATH`. The documents' own sums are in
# documents.sha256.
# Where golden-link.sh took documents over, each is found to be what was saved then; what was brought in its place says nothing of the one
# there. If one is not, or that cannot be told, the set is left without documents, to be given all of them anew: exits with 55 and prints
# `SHA256  PATH` of such, if it is known. On a volume that is full it is 52.
: "${SET:?}" "${TMPDIR:?}"
cd -- "sets/$SET" || exit 50
anew() {
    rm -f former documents.sha256
    discard documents
    mkdir documents
    exit 55
}
unwritten() {
    echo "the documents' sums cannot be written: the volume may be full" >&2
    exit 52
}
# What was written is measured: the programs of busybox do not say when a disk is full.
# shellcheck disable=SC2046 # three words
set -- $({
    { (cd documents && find . -type f -exec sha256sum -- {} +) && echo read >&3; } | { sort && echo sorted >&3; } |
        tee documents.sha256 | wc -c
} 3>&1)
case $* in
'read sorted '*) ;;
'sorted '*)
    [ -L former ] || exit 54
    anew
    ;;
*) unwritten ;;
esac
[ "$(($(wc -c <documents.sha256)))" = "$3" ] || unwritten

# Of what was not saved like this, what is the same file: it was not brought. sha256sum escapes backslashes, and begins the line with one.
odd() {
    while IFS= read -r line; do
        [ "$line" != compared ] || { echo compared && continue; }
        path=${line#*  }
        case $line in \\*) path=$(printf '%b.' "$path") && path=${path%.} ;; esac
        # shellcheck disable=SC3013 # both shells of the images know it
        [ ! "documents/$path" -ef "former/documents/$path" ] || printf '%s\n' "$line"
    done
}
if [ -L former ]; then
    found=$({ comm -23 documents.sha256 former/documents.sha256 && echo compared; } | odd)
    if [ "$found" != compared ]; then
        printf '%s' "${found%compared}"
        anew
    fi
    rm former
fi
sha256sum -- database/* documents.sha256
wc -c -- database/* documents.sha256
