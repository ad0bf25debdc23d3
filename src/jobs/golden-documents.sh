# shellcheck shell=sh
# Prints the documents of the checkpoint $NAME that are not what they were when they were saved. Their paths come on stdin, NUL-separated,
# in frames (unframe.sh).
: "${NAME:?}" "${TMPDIR:?}"
cd -- "checkpoints/$NAME/documents" || exit 50
# Both ends of the pipeline matter, and neither may end the script before it is said which one failed.
sums() { xargs -0 -r sha256sum -- >"$TMPDIR/found"; }
ended=$({ { status=0; unframe || status=$?; echo "names $status" >&3; } | { status=0; sums || status=$?; echo "sums $status" >&3; }; } 3>&1)
case $ended in *'names 0'*) ;; *) echo "the list of documents was cut" >&2; exit 51 ;; esac
case $ended in *'sums 0'*) ;; *) echo "some documents cannot be read" >&2; exit 54 ;; esac
sort "$TMPDIR/found" >"$TMPDIR/sorted"
comm -13 ../documents.sha256 "$TMPDIR/sorted" >"$TMPDIR/odd"
cat "$TMPDIR/odd"
