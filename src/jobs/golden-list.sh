# shellcheck shell=sh
# Says which checkpoints there are: for each a line `manifest NAME BYTES` and so many bytes, then a line break; last `end`.
for link in checkpoints/*; do
    [ -f "$link/manifest.json" ] || continue
    printf 'manifest %s %s\n' "${link#checkpoints/}" "$(($(wc -c <"$link/manifest.json")))"
    cat -- "$link/manifest.json"
    echo
done
echo end
