"""`threads`: one thread against all, ours only: the same losses to the last bit, and what the others bring."""

import measure
import ours
import report


class Threads:
    """The GAT of `config_gat.yaml` on ml-latest-small."""

    name = "threads"

    def __call__(self, bench):
        n_threads = max(bench.threads, 2)
        graph = ours.export_with_features(bench, "small", 128)
        n_epochs = min(bench.epochs, 20)
        overrides = [
            "data=graph_file", f"data.params.path={graph}", f"trainer.params.num_epochs={n_epochs}", "seed=7",
        ]
        seconds = {1: [], n_threads: []}
        records = []
        for index in range(bench.rounds):
            for threads in (1, n_threads) if index % 2 == 0 else (n_threads, 1):
                result = ours.train(bench, "config_gat", overrides, threads=threads)
                measure.emit(subset=self.name, round=index + 1, threads=threads, epoch_s=result["epoch_s"],
                             total_s=result["total_s"], peak_rss_bytes=result["peak_rss_bytes"])
                seconds[threads].append(result["epoch_s"])
                records.append([without_seconds(epoch) for epoch in result["records"]])
        rows = [
            [threads, report.spread([value for values in rounds for value in values])]
            for threads, rounds in seconds.items()
        ]
        rows.append(["speed-up", report.ratios(*seconds.values())])
        same = all(record == records[0] for record in records)
        text = f"all of metrics.jsonl but `seconds` is the same in {len(records)} runs with 1 and {n_threads} threads"
        return [
            f"config_gat, env=small, {bench.rounds} rounds of {n_epochs} epochs:", "",
            *report.table(["threads", "epoch"], rows), "",
            bench.expect(same, text),
        ]


def without_seconds(epoch):
    return {name: value for name, value in epoch.items() if name != "seconds"}
