"""What this machine can do: seconds of each matrix product that is asked for, and bytes a second of a copy.

    machine_rates.py '[["forward", 610, 128, 256], ...]' --threads 2

A product is named by the pass of a Linear layer, [n, in] to [n, out]: `forward` x W^T, `grad_x` g W, `grad_w` g^T x.
Prints JSON: `gemm_s`, a figure a product in the order given, and `copy_bytes_per_s`, which counts the bytes read and the
bytes written. Medians.
"""

import argparse
import json
import time
from statistics import median

import torch

COPY_BYTES = 256 * 2**20


def seconds_of(work, least_s=0.3):
    """The median over at least `least_s` seconds and five calls, after a call to warm up."""
    work()
    samples = []
    while sum(samples) < least_s or len(samples) < 5:
        started = time.perf_counter()
        work()
        samples.append(time.perf_counter() - started)
    return median(samples)


def product(kind, n, width, out):
    x, weight, grad = torch.randn(n, width), torch.randn(out, width), torch.randn(n, out)
    if kind == "forward":
        result = torch.empty(n, out)
        return lambda: torch.mm(x, weight.t(), out=result)
    if kind == "grad_x":
        result = torch.empty(n, width)
        return lambda: torch.mm(grad, weight, out=result)
    if kind == "grad_w":
        result = torch.empty(out, width)
        return lambda: torch.mm(grad.t(), x, out=result)
    raise SystemExit(f"no product `{kind}`")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("products", help="JSON list of [kind, n, in, out]")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    gemm_s = [seconds_of(product(*item)) for item in json.loads(arguments.products)]
    source, target = torch.ones(COPY_BYTES // 4), torch.zeros(COPY_BYTES // 4)
    copy_s = seconds_of(lambda: target.copy_(source))
    print(json.dumps({"gemm_s": gemm_s, "copy_bytes_per_s": 2 * COPY_BYTES / copy_s}))


if __name__ == "__main__":
    main()
