#!/bin/sh
# check_ledger.sh BENCH-LEDGER COUNT: the rows that it makes are those of the projection.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" check "$folder" "$2"
