#!/usr/bin/env bash
# Keeps the contract as it was at a commit, for the tests to build a plugin from: tests/evolution/keep.sh COMMIT
# Writes api-MAJOR.MINOR.tar.gz beside this script: plugin-api and a workspace of nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."

commit=${1:?which commit? tests/evolution/keep.sh COMMIT}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git archive "$commit" plugin-api Cargo.toml | tar -x -C "$work"
sed -i 's/^members = .*/members = ["plugin-api"]/' "$work/Cargo.toml"
version=$(sed -n 's/^version = "\([0-9]*\.[0-9]*\)\..*"/\1/p' "$work/plugin-api/Cargo.toml")
# The same bytes from the same commit.
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$work" -c plugin-api Cargo.toml | gzip -9n > "tests/evolution/api-$version.tar.gz"
echo "tests/evolution/api-$version.tar.gz"
