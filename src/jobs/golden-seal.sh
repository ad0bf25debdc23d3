# shellcheck shell=sh
# Says what the set $SET holds, as golden-measure.sh does, and then `measured`. Completes it by its manifest, the next line of input, and lets the
# name $NAME mean it from now on. It runs after the dump in the same exec, since a container takes a tenth of a second to start another, and two
# processors as much again.
# Until the link is switched, in one step, the name means what it meant before. Prints what could not be removed afterwards.
: "${SET:?}" "${NAME:?}" "${GOLDEN_MEASURE_SH:?}"
go
sh -c "$GOLDEN_MEASURE_SH" </dev/null
echo measured
IFS= read -r manifest || { echo "the manifest was cut" >&2; exit 51; }
set_="sets/$SET"
# Before the link is switched the set is nobody's: it would only take room.
unwritten() {
    discard "$set_"
    echo "$1" >&2
    exit 52
}
printf '%s\n' "$manifest" >"$set_/manifest.part" || unwritten "the manifest cannot be written: the volume may be full"
durable "$set_" || unwritten "the set cannot be brought to the disk: the volume may be full"
mv -f -- "$set_/manifest.part" "$set_/manifest.json"
[ "$(cat "$set_/manifest.json")" = "$manifest" ] || unwritten "the manifest was not written as it should be"
sync -- "$set_" sets 2>/dev/null || sync -f .
former=$(readlink -- "checkpoints/$NAME" || :)
rm -f checkpoints/.next
ln -s -- "../$set_" checkpoints/.next
mv -T -f -- checkpoints/.next "checkpoints/$NAME"
sync -- checkpoints 2>/dev/null || sync -f .
case $former in
"../$set_") ;;
../sets/*) discard "${former#../}" || printf 'left %s\n' "$former" ;;
esac
