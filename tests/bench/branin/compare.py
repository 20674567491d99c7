"""The TPE of `recsys-host tune` against Optuna's on the Branin function: 60 trials, 20 seeds, both with their defaults.

    compare.py [--seeds N] [--binary PATH]

The figure is the median over the seeds of the best value found. Fails where ours is more than 10 % above Optuna's: ours > 1.1 * theirs.
The lowest value of the function is 0.397887. `--binary` is the example `branin` of the host, built here if it is not given.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import optuna

ROOT = Path(__file__).resolve().parents[3]
N_TRIALS = 60


def branin(x, y):
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def optunas(seed):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(lambda trial: branin(trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)), n_trials=N_TRIALS)
    return study.best_value


def ours(n_seeds, binary):
    command = [binary] if binary else ["cargo", "run", "--quiet", "-p", "host", "--example", "branin", "--"]
    done = subprocess.run([*command, "0", str(n_seeds), str(N_TRIALS)], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--binary", type=Path)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    values = ours(arguments.seeds, arguments.binary)
    values = {f"Optuna {optuna.__version__} TPESampler": [optunas(seed) for seed in range(arguments.seeds)], "tune, tpe": values["tpe"],
              "tune, random": values["random"]}
    medians = {name: statistics.median(found) for name, found in values.items()}
    print(f"best of {N_TRIALS} trials, {arguments.seeds} seeds (the lowest value is 0.397887)")
    print(f"{'':28} {'median':>8} {'quartiles':>17} {'worst':>8}")
    for name, found in values.items():
        low, _, high = statistics.quantiles(found, n=4)
        print(f"{name:28} {medians[name]:8.4f} {low:8.4f} {high:8.4f} {max(found):8.4f}")
    theirs, mine = list(medians.values())[:2]
    print(f"tune's median is {mine / theirs:.3f} of Optuna's")
    if mine > 1.1 * theirs:
        sys.exit("FAILED: more than 10 % above Optuna's")


if __name__ == "__main__":
    main()
