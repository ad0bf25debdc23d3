# shellcheck shell=sh
# Says what the set $SET holds: a line `SHA256  PATH` a file, then `BYTES PATH`. The documents' own sums are in documents.sha256.
: "${SET:?}"
go
cd -- "sets/$SET" || exit 50
(cd documents && find . -type f -exec sha256sum -- {} +) >documents.part
sort documents.part >documents.sha256
rm documents.part
sha256sum -- database/* documents.sha256
wc -c -- database/* documents.sha256
