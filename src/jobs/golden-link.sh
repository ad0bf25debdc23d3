# shellcheck shell=sh
# Gives the set $SET the documents of the one its link `former` leads to, below each line of $TREES, as hard links: what the sandbox still has
# so need not be brought again; but none with a line break in its name, which the sha256sum of busybox does not escape. golden-measure.sh
# proves what was taken over. What does not work here costs no more than time, so it is no failure.
# If there are some it says since when, in seconds, a document is too young to be known by its size and time: where times are in whole seconds
# two writes look like one, and clocks go wrong, so it is a day before that set was made.
# Then, behind a NUL, it is what documents-lister.sh is for the set's documents. One that is begun anew finds them there.
: "${SET:?}" "${TREES:?}" "${DOCUMENTS_LISTER_SH:?}" "${DOCUMENTS_MANIFEST_SH:?}" "${DOCUMENTS_SUMS_SH:?}" "${DOCUMENTS_RECEIVE_SH:?}"
new=sets/$SET/documents former=sets/$SET/former

link() {
    printf '%s\n' "$TREES" | while IFS= read -r tree; do
        if [ -d "$former/documents/$tree" ]; then
            mkdir -p -- "$(dirname -- "$new/$tree")" && cp -a -l -- "$former/documents/$tree" "$new/$tree" || exit 1
        fi
    done
}
line_break='
'
day=86400
if mkdir -- "$new" 2>/dev/null && [ -L "$former" ]; then
    if link 2>/dev/null && find "$new" -type f -path "*$line_break*" -exec rm -f -- {} + && made=$(stat -c %Y "$former/documents.sha256"); then
        echo "$((made - day))"
    else
        rm -f -- "$former"
        discard "$new"
        mkdir -- "$new"
    fi
fi
printf '\0'
set -f
IFS='
'
# shellcheck disable=SC2086 # one tree a line
set -- $TREES
unset IFS
exec sh -c "$DOCUMENTS_LISTER_SH" sh "$DOCUMENTS_MANIFEST_SH" "$DOCUMENTS_SUMS_SH" "$DOCUMENTS_RECEIVE_SH" "$GOLDEN/$new" "$@"
