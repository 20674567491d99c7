"""`lightgcn`: what the LightGCN operator is to be compared with, on ml-latest-small: PyG's LGConv and torch's CSR product.

The framework has no LightGCN model yet, only the operator; its own figures come from `cargo bench`.
"""

import measure
import ours
import report

WAYS = {"lgconv": "PyG LGConv", "csr": "torch sparse CSR"}


class LightGCN:
    name = "lightgcn"

    def __call__(self, bench):
        graph = ours.export_with_features(bench, "small", 128)
        cases = [(layers, loss) for layers in (2, 3) for loss in (None, "bpr")]
        seconds, peak, sums = {}, {}, {}
        for index in range(bench.rounds):
            for case in cases:
                for way in WAYS if index % 2 == 0 else reversed(WAYS):
                    layers, loss = case
                    options = ["--way", way, "--layers", layers, "--threads", bench.threads]
                    options += ["--loss", loss] if loss else []
                    child = bench.python_script("lightgcn_peer.py", graph, *options).check()
                    result = child.last_json()
                    measure.emit(subset=self.name, side=way, layers=layers, loss=loss, round=index + 1,
                                 peak_rss_bytes=child.peak_rss_bytes, **result)
                    seconds.setdefault((case, way), []).extend(result["seconds"])
                    peak.setdefault((case, way), []).append(child.peak_rss_bytes)
                    sums.setdefault(case, []).append(result["checksum"])
        rows = [
            [f"{layers} layers{', BPR' if loss else ''}", WAYS[way], report.spread(seconds[(layers, loss), way]),
             report.spread(peak[(layers, loss), way], report.gigabytes)]
            for layers, loss in cases for way in WAYS
        ]
        same = all(max(values) - min(values) <= 1e-4 * max(values) for values in sums.values())
        return [
            f"LightGCN's propagation, 64 wide, env=small, forward and backward, {bench.rounds} rounds (peers only):", "",
            *report.table(["", "", "forward + backward", "peak memory"], rows), "",
            bench.expect(same, "both ways give gradients of the same size"),
        ]
