#!/usr/bin/env bash
# The walk-through of a new model, as README tells it, with the recsys-host on the PATH: new, edit two lines, build, check, train.
# The crate and all that it leaves lie in a temporary folder; nothing is fetched. Times are printed, not judged.
#
#   tests/walk-through.sh [FOLDER]    # FOLDER: MovieLens 100K with u.data, or another form of it that data/raw/ may hold
#
# Without FOLDER, that of this checkout's data/raw/ if there is one, else ratings of the same shape made on the spot.
set -euo pipefail
export LC_ALL=C

checkout=$(cd "$(dirname "$0")/.." && pwd)
raw=${1:-$checkout/data/raw/ml-100k}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

clock=$EPOCHREALTIME
seconds() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", to - from }'; }
step() {
  local from=$EPOCHREALTIME
  echo "\$ $*"
  "$@"
  echo "    ($(seconds "$from"))"
}

mkdir -p data/raw/ml-100k
if [[ -e $raw ]]; then
  rmdir data/raw/ml-100k && ln -s "$raw" data/raw/ml-100k
  echo "data: $raw"
else
  # As many users, movies and ratings; two tastes of each, and a fifth of the ratings by chance.
  awk 'BEGIN {
    srand(1); OFS = "\t"
    for (n = 0; n < 100000; n++) {
      do {
        user = n < 943 ? n : int(943 * rand()); movie = n < 1682 ? n : int(1682 * rand())
      } while ((user, movie) in rated || (n >= 1682 && user % 2 != movie % 2 && rand() > 0.2))
      rated[user, movie] = 1
      print user + 1, movie + 1, 1 + int(5 * rand()), 880000000 + n
    }
  }' >data/raw/ml-100k/u.data
  echo "data: made up, of MovieLens 100K's shape"
fi

step recsys-host plugins new model my_model
cd my_model
ln -s ../data data
step sed -i 's/stdev: 0.1/stdev: 0.05/; s/dim: i64 = 32/dim: i64 = 48/' src/lib.rs
step grep -n 'stdev: 0.05\|dim: i64 = 48' src/lib.rs
step cargo build --offline --quiet
step recsys-host plugins check target/debug/libmy_model.so
step recsys-host train configs/my_model.yaml --plugin-dir target/debug '~model.params.dim' 'data.params.sources=[raw]'
echo "from nothing to a finished run of the new model: $(seconds "$clock")"
