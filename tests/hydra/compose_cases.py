"""Composes cases with Hydra: a case a line on standard input, what came of it a line on standard output.

A case has `files`, `config`, `overrides` and, for a multirun, `sweep`. The answer is the resolved config as JSON (a list of them, one a
job, for a sweep), or "error". With `ours` in the case, YAML texts that another program made of it, the answer is an object that also says
whether they are `equal`, the order of keys included.
"""

import datetime
import itertools
import json
import math
import os
import sys
import tempfile
import traceback
import warnings
from collections import OrderedDict
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf, open_dict
from omegaconf._utils import get_yaml_loader
import yaml

NOW = datetime.datetime(2024, 3, 5, 6, 7, 8, 90000)
ENVIRONMENT = {"SET": "value", "NUM": "12", "EMPTY": "", "YAML": "{x: 1, y: [a, 2.5]}", "LIST": "[1, 2]"}
# `${run:...}` of the host by the names that Hydra has for the same.
RUN = {
    "config_name": "hydra.job.config_name",
    "overrides": "hydra.overrides.task",
    "override_dirname": "hydra.job.override_dirname",
    "job_num": "hydra.job.num",
}


def run(fact):
    config = HydraConfig.instance().cfg
    if fact.startswith("choices."):
        return config.hydra.runtime.choices[fact.removeprefix("choices.")]
    return OmegaConf.select(config, RUN[fact])


def plain(value):
    """Keys are texts everywhere, as in JSON."""
    if isinstance(value, dict):
        return OrderedDict((key_text(key), plain(item)) for key, item in value.items())
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return [plain(item) for item in value] if isinstance(value, list) else value


def key_text(key):
    return key if isinstance(key, str) else json.dumps(key) if isinstance(key, (bool, type(None))) else str(key)


def resolved(folder, case, overrides, job_num):
    config = compose(case["config"], overrides=overrides, return_hydra_config=True)
    with open_dict(config.hydra):
        config.hydra.job.num = job_num
        config.hydra.runtime.cwd = os.getcwd()
        config.hydra.runtime.output_dir = str(folder)
    HydraConfig.instance().set_config(config)
    with open_dict(config):
        del config["hydra"]
    OmegaConf.register_new_resolver("now", lambda pattern: NOW.strftime(pattern), replace=True)
    OmegaConf.register_new_resolver("run", run, replace=True)
    return plain(OmegaConf.to_container(config, resolve=True))


def jobs(case):
    loader = GlobalHydra.instance().config_loader()
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(case["overrides"])
    return list(itertools.chain(*BasicSweeper.split_arguments(overrides, None)))


def answer(folder, case):
    for name, text in case["files"].items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    try:
        with initialize_config_dir(str(folder), version_base="1.3"):
            if case.get("sweep"):
                return [resolved(folder, case, list(job), index) for index, job in enumerate(jobs(case))]
            return resolved(folder, case, case["overrides"], 0)
    except Exception:
        if os.environ.get("VERBOSE"):
            traceback.print_exc()
        return "error"


def read_yaml(text):
    """With `\\${` as the text that it stands for."""
    config = OmegaConf.create(yaml.load(text, Loader=get_yaml_loader()))
    return plain(OmegaConf.to_container(config, resolve=True))


def judged(case, hydra):
    ours = case["ours"]
    if ours is not None:
        ours = [read_yaml(text) for text in ours] if case.get("sweep") else read_yaml(ours[0])
    else:
        ours = "error"
    # As texts, so that the order of keys and the difference of 1 and 1.0 count.
    return {"name": case["name"], "equal": json.dumps(ours) == json.dumps(hydra), "hydra": hydra, "ours": ours}


def main():
    warnings.simplefilter("ignore")
    os.environ.update(ENVIRONMENT)
    for line in sys.stdin:
        case = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            result = answer(folder, case)
        print(json.dumps(judged(case, result) if "ours" in case else result), flush=True)


if __name__ == "__main__":
    main()
