# shellcheck shell=sh
# Makes room for the set $SET: what dead runs left is removed, never what a link leads to. dump.sh runs it, and the event tells that it is done.
# The link `former` leads to the newest set, from which golden-link.sh takes documents over. Where that has a stamp and its database's manifest
# is what was saved, both are there for dump.sh; and as links the dump that it has, its list and the manifest it was made with (former.base), with
# the sums that they were saved with.
: "${SET:?}"
mkdir -p sets checkpoints
for found in sets/*; do
    [ -d "$found" ] || continue
    [ "$found" != "sets/$SET" ] || continue
    meant=
    for link in checkpoints/*; do
        [ "$(readlink -- "$link" || :)" != "../$found" ] || meant=1
    done
    # Whoever waits for the end of the output does not wait for what a signal leaves behind.
    [ -n "$meant" ] || discard "$found" >/dev/null
done
mkdir -p "sets/$SET/database"

former=
for found in sets/*; do
    [ -f "$found/manifest.json" ] || continue
    if [ -z "$former" ] || [ -n "$(find "$found/manifest.json" -newer "$former/manifest.json")" ]; then
        former=$found
    fi
done
found=$former/database/source.manifest
saved() {
    sum=$(sha256sum <"$found") && grep -q -F "\"database/source.manifest\":\"${sum%% *}\"" "$former/manifest.json"
}
shown() {
    ln -- "$found" "sets/$SET/database/former.manifest" && cp -- "$former/stamp" "sets/$SET/database/former.stamp"
}
lent() {
    base=manifest
    [ ! -e "$former/database/source.base" ] || base=base
    for name in dump list "$base"; do
        as=$name
        [ "$name" != "$base" ] || as=base
        sum=$(sed -n "s|.*\"database/source.$name\":\"\([0-9a-f]*\)\".*|\1|p" "$former/manifest.json")
        printf '%s  former.%s\n' "$sum" "$as" >>"sets/$SET/database/former.sha256"
        ln -- "$former/database/source.$name" "sets/$SET/database/former.$as" || return 1
    done
}
# Only shortcuts: what does not work costs no more than time.
if [ -n "$former" ] && ln -s -n -- "../${former#sets/}" "sets/$SET/former" && [ -s "$former/stamp" ] && saved; then
    { shown && lent; } || :
fi 2>/dev/null
echo '{"event":"room"}'
