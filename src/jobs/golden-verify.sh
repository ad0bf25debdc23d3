# shellcheck shell=sh
# Says what the checkpoint $NAME holds now: its manifest as the list does, then a line `SHA256  PATH` for each of its own files, then a NUL,
# and behind it, as documents-manifest.sh does, the list of $TREES, one a line, of its documents. Then it waits for words, a line each:
#   list   lists them again
#   saved  prints the sums of all its documents as they were saved, a line `SHA256  PATH` each, then a NUL
#   sums   does what golden-documents.sh does with what comes behind the word, then says a NUL
# Any other, or the end of stdin, ends it.
: "${NAME:?}" "${TREES?}" "${DOCUMENTS_MANIFEST_SH:?}" "${GOLDEN_DOCUMENTS_SH:?}"
if ! [ -f "checkpoints/$NAME/manifest.json" ]; then
    for link in checkpoints/*; do
        [ ! -f "$link/manifest.json" ] || echo "${link#checkpoints/}" >&2
    done
    exit 53
fi
cd -- "checkpoints/$NAME" || exit 50
list() { sh -c "$DOCUMENTS_MANIFEST_SH" sh "$GOLDEN/checkpoints/$NAME/documents" "$@" </dev/null; }

printf 'manifest %s %s\n' "$NAME" "$(($(wc -c <manifest.json)))"
cat manifest.json
echo
echo end
sha256sum -- database/* documents.sha256
printf '\0'
set -f
IFS='
'
# shellcheck disable=SC2086 # one tree a line
set -- $TREES
unset IFS
set +f
list "$@"
while read -r word; do
    case $word in
    list) list "$@" ;;
    saved)
        cat documents.sha256 || exit 50
        printf '\0'
        ;;
    sums)
        sh -c "$GOLDEN_DOCUMENTS_SH"
        printf '\0'
        ;;
    *) exit 0 ;;
    esac
done
