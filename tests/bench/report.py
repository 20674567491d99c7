"""Medians and spreads, tables, and RESULTS.md."""

from statistics import median, quantiles


def seconds(value):
    if value >= 100:
        return f"{value:.0f} s"
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.1f} µs"


def gigabytes(value):
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def ratio(value):
    return f"{value:.1f}" if value >= 3 else f"{value:.2f}"


def spread(values, unit=seconds):
    """`median (first quartile to third)`, or the extremes where there are few values."""
    if len(values) == 1:
        return unit(values[0])
    low, high = (min(values), max(values)) if len(values) < 8 else quantiles(values, n=4)[::2]
    return f"{unit(median(values))} ({unit(low)} to {unit(high)})"


def ratios(theirs, ours):
    """Ratio of the medians over everything, and the range of the ratios of the rounds: lists of lists, one a round."""
    flat = [[value for values in rounds for value in values] for rounds in (theirs, ours)]
    whole = ratio(median(flat[0]) / median(flat[1]))
    each = [median(their) / median(our) for their, our in zip(theirs, ours)]
    return whole if len(each) == 1 else f"{whole} (rounds {ratio(min(each))} to {ratio(max(each))})"


def table(head, rows):
    """Markdown lines."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(map(str, cells)) + " |" for cells in lines]


def paragraphs(parts):
    """Lists of lines with an empty line between them."""
    lines = []
    for part in filter(None, parts):
        lines += ["", *part] if lines else part
    return lines


def append(path, lines):
    with open(path, "a") as file:
        file.write("\n" + "\n".join(lines) + "\n")
