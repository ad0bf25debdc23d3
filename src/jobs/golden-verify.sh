# shellcheck shell=sh
# Says what the checkpoint $NAME holds now: its manifest as the list does, then a line `SHA256  PATH` for each of its own files, then a NUL.
# documents-manifest.sh comes behind it, and lists $TREES, one a line, of its documents.
: "${NAME:?}" "${TREES?}"
if ! [ -f "checkpoints/$NAME/manifest.json" ]; then
    for link in checkpoints/*; do
        [ ! -f "$link/manifest.json" ] || echo "${link#checkpoints/}" >&2
    done
    exit 53
fi
cd -- "checkpoints/$NAME" || exit 50
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
set -- "$GOLDEN/checkpoints/$NAME/documents" $TREES
unset IFS
set +f
