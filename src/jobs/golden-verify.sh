# shellcheck shell=sh
# Says what the checkpoint $NAME holds now: its manifest as the list does, then a line `SHA256  PATH` for each of its own files.
: "${NAME:?}"
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
