"""Generated ratings, made once a file."""

import measure
from bench import HERE

GENERATOR = HERE / "data_path" / "generate.py"


def generate(bench, path, n_ratings):
    """A `ratings.csv` of `n_ratings` at `path`, if there is none."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    measure.say(f"generating {n_ratings / 1e6:g} million ratings ...")
    part = path.with_suffix(".part")
    bench.python_script(GENERATOR, n_ratings, part).check()
    part.rename(path)
