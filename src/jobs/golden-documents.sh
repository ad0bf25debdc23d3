# shellcheck shell=sh
# Prints the documents of the checkpoint $NAME that are not what they were when they were saved. Their paths come on stdin, NUL-separated,
# in frames (unframe.sh).
: "${NAME:?}"
cd -- "checkpoints/$NAME/documents" || exit 50
# Each part of the pipeline matters, and none may end the script before it is said which one failed. Nothing is put into a file on the way: the
# programs of busybox do not say when a disk is full.
exec 4>&1
ended=$({
    { status=0; unframe || status=$?; echo "names $status" >&3; } | { status=0; xargs -0 -r sha256sum -- || status=$?; echo "sums $status" >&3; } |
        { sort && echo sorted >&3; } | { comm -13 ../documents.sha256 - >&4 && echo compared >&3; }
} 3>&1)
case $ended in *'names 0'*) ;; *) echo "the list of documents was cut" >&2; exit 51 ;; esac
case $ended in *'sums 0'*) ;; *) echo "some documents cannot be read" >&2; exit 54 ;; esac
case $ended in *sorted*compared*) ;; *) echo "their sums cannot be compared" >&2; exit 50 ;; esac
