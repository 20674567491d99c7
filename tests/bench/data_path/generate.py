"""Writes a `ratings.csv` of any size with degrees like MovieLens': a few users and movies hold most of the ratings.

The file looks like that of MovieLens 25M and 32M: header `userId,movieId,rating,timestamp`, sorted by user and movie, half
stars, sparse movie ids, no pair twice, every user with at least one rating. One seed, one file (with one version of numpy).
Needs numpy and polars.
"""

import argparse
import pathlib

import numpy as np
import polars as pl

# MovieLens 32M, to whose shape other sizes are scaled.
FULL_RATINGS, FULL_USERS, FULL_MOVIES = 32_000_204, 200_948, 84_432
# Activity of users and popularity of movies fall as (rank + offset) ** -exponent: as in MovieLens 25M the most active user
# has about 0.13% of the ratings, the most popular movie 0.3%, the top tenth of the movies 94%.
USER_EXPONENT, USER_OFFSET = 1.2, 200.0
MOVIE_EXPONENT, MOVIE_OFFSET = 1.8, 240.0


def sizes(n_ratings: int) -> tuple[int, int]:
    """Users and movies of a MovieLens of `n_ratings`: users grow with the ratings, movies more slowly."""
    share = n_ratings / FULL_RATINGS
    return max(2, round(FULL_USERS * share)), max(2, round(FULL_MOVIES * share**0.7))


def cumulative(n: int, exponent: float, offset: float, random: np.random.Generator) -> np.ndarray:
    """The cumulative shares of `n` nodes under a power law, in random order of the nodes."""
    shares = random.permutation((np.arange(n) + offset) ** -exponent)
    return np.cumsum(shares) / shares.sum()


def pairs(n_ratings: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (user, movie) pairs, sorted."""
    n_users, n_movies = sizes(n_ratings)
    if n_ratings > n_users * n_movies // 4:
        raise SystemExit(f"{n_ratings} ratings are too few for {n_users} users and {n_movies} movies")
    user_shares = cumulative(n_users, USER_EXPONENT, USER_OFFSET, random)
    movie_shares = cumulative(n_movies, MOVIE_EXPONENT, MOVIE_OFFSET, random)
    keys = np.arange(n_users, dtype=np.int64) * n_movies  # a movie for every user
    keys += np.searchsorted(movie_shares, random.random(n_users))
    new_share = 0.7  # of the pairs drawn; the rest is there already
    while len(keys) < n_ratings:
        n_before, n_more = len(keys), int((n_ratings - len(keys)) / new_share * 1.05) + 1000
        users = np.searchsorted(user_shares, random.random(n_more))
        movies = np.searchsorted(movie_shares, random.random(n_more))
        keys = np.unique(np.concatenate([keys, users * n_movies + movies]))
        new_share = max((len(keys) - n_before) / n_more * 0.8, 0.01)
    surplus = random.choice(len(keys), len(keys) - n_ratings, replace=False)
    keys = np.delete(keys, surplus)
    return keys // n_movies, keys % n_movies


def write(path: pathlib.Path, n_ratings: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    users, movies = pairs(n_ratings, random)
    raw_movie_ids = np.sort(random.choice(int(movies.max() + 1) * 7 // 2, int(movies.max()) + 1, replace=False)) + 1
    table = pl.DataFrame(
        {
            "userId": users + 1,
            "movieId": raw_movie_ids[movies],
            "rating": random.integers(1, 11, n_ratings) / 2,
            "timestamp": random.integers(823_000_000, 1_698_000_000, n_ratings),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table.write_csv(path)
    degrees = np.sort(np.bincount(movies))[::-1]
    print(
        f"{path}: {n_ratings} ratings, {table['userId'].n_unique()} users, {table['movieId'].n_unique()} movies; "
        f"the most active user has {np.bincount(users).max()}, the most popular movie {degrees[0]}, "
        f"the top tenth of the movies {degrees[: len(degrees) // 10].sum() / n_ratings:.0%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n_ratings", type=int, help="rows to write, for example 5000000")
    parser.add_argument("path", type=pathlib.Path, help="file to write, for example data/raw/ml-25m/ratings.csv")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write(arguments.path, arguments.n_ratings, arguments.seed)


if __name__ == "__main__":
    main()
