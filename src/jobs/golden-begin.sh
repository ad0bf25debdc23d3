# shellcheck shell=sh
# Makes room for the set $SET: what dead runs left is removed, never what a link leads to. dump.sh runs it, and the event tells that it is done.
# The link `former` leads to the newest set, from which golden-link.sh takes documents over. Where that has a stamp and its database's manifest
# is what was saved, both are there for dump.sh; and as links the dump that it has, and the manifest that this was made with (former.base), with
# the sum of the dump as it was saved.
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
# The former database's file of this name is what was saved.
saved() {
    sum=$(sha256sum <"$former/database/$1") && grep -q -F "\"database/$1\":\"${sum%% *}\"" "$former/manifest.json"
}
shown() {
    ln -- "$former/database/source.manifest" "sets/$SET/database/former.manifest" && cp -- "$former/stamp" "sets/$SET/database/former.stamp"
}
# Whether the dump is what was saved dump.sh finds out, beside other work. What was saved is what the manifest has, not what is there still.
lent() {
    base=source.manifest
    ! grep -q -F '"database/source.base":' "$former/manifest.json" || base=source.base
    saved "$base" && sed -n 's|.*"database/source.dump":"\([0-9a-f]*\)".*|\1|p' "$former/manifest.json" >"sets/$SET/database/former.sum" &&
        ln -- "$former/database/source.dump" "sets/$SET/database/former.dump" && ln -- "$former/database/$base" "sets/$SET/database/former.base"
}
# Only shortcuts: what does not work costs no more than time.
if [ -n "$former" ] && ln -s -n -- "../${former#sets/}" "sets/$SET/former" && [ -s "$former/stamp" ] && saved source.manifest; then
    { shown && lent; } || :
fi 2>/dev/null
echo '{"event":"room"}'
