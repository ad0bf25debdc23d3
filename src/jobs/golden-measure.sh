# shellcheck shell=sh
# Says what the set $SET holds: a line `SHA256  PATH` a file, then `BYTES PATH`. The documents' own sums are in documents.sha256.
# Where golden-link.sh took documents over, each is found to be what was saved then. If one is not, the set is left without documents, to be
# given all of them anew: prints `SHA256  PATH` of such and exits with 55.
: "${SET:?}" "${TMPDIR:?}"
go
cd -- "sets/$SET" || exit 50
(cd documents && find . -type f -exec sha256sum -- {} +) >documents.part
sort documents.part >documents.sha256
rm documents.part

# Of what was not saved like this, what is the same file: it was not brought. sha256sum escapes the names that it begins the line of so.
odd() {
    comm -23 documents.sha256 former/documents.sha256 >"$TMPDIR/other"
    while IFS= read -r line; do
        path=${line#*  }
        case $line in \\*) path=$(printf '%b.' "$path") && path=${path%.} ;; esac
        # shellcheck disable=SC3013 # both shells of the images know it
        [ ! "documents/$path" -ef "former/documents/$path" ] || printf '%s\n' "$line"
    done <"$TMPDIR/other"
}
if [ -L former ]; then
    odd >"$TMPDIR/odd"
    rm former
    if [ -s "$TMPDIR/odd" ]; then
        cat "$TMPDIR/odd"
        rm documents.sha256
        discard documents
        mkdir documents
        exit 55
    fi
fi
sha256sum -- database/* documents.sha256
wc -c -- database/* documents.sha256
