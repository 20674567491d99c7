"""Line plots on two logarithmic axes, as SVG; no library."""

from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 320, 64, 12, 28, 44
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#8250df")


class Panel:
    """One plot. `series`: by name, the points (x, y), all above 0."""

    def __init__(self, title, x_label, y_label, series):
        self.title, self.x_label, self.y_label, self.series = title, x_label, y_label, series
        points = [point for values in series.values() for point in values]
        self.x_range, self.y_range = (decades([point[axis] for point in points]) for axis in (0, 1))

    def x(self, value):
        return LEFT + part(value, self.x_range) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - part(value, self.y_range) * (HEIGHT - TOP - BOTTOM)

    def svg(self, offset):
        lines = [f'<g transform="translate({offset},0)">', text(WIDTH / 2, 16, self.title, "middle", 13)]
        for power in range(self.x_range[0], self.x_range[1] + 1):
            x = self.x(10.0**power)
            lines += [stroke(x, TOP, x, HEIGHT - BOTTOM), text(x, HEIGHT - BOTTOM + 16, f"{10.0**power:g}", "middle")]
        for power in range(self.y_range[0], self.y_range[1] + 1):
            y = self.y(10.0**power)
            lines += [stroke(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 6, y + 4, f"{10.0**power:g}", "end")]
        lines.append(text(WIDTH / 2, HEIGHT - 8, self.x_label, "middle"))
        lines.append(f'<g transform="translate(14,{HEIGHT / 2}) rotate(-90)">{text(0, 0, self.y_label, "middle")}</g>')
        for index, (name, points) in enumerate(self.series.items()):
            lines += self.line(name, points, index)
        return [*lines, "</g>"]

    def line(self, name, points, index):
        colour = COLOURS[index % len(COLOURS)]
        at = [(self.x(x), self.y(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        return [line, *dots, text(LEFT + 10, TOP + 16 + 16 * index, name, "start", 12, colour)]


def decades(values):
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def part(value, limits):
    return (log10(value) - limits[0]) / (limits[1] - limits[0])


def stroke(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d0d7de"/>'


def text(x, y, content, anchor, size=11, colour="#24292f"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(content)}</text>'


def write(path, panels):
    """The panels side by side."""
    size = f'width="{WIDTH * len(panels)}" height="{HEIGHT}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">']
    lines.append('<rect width="100%" height="100%" fill="white"/>')
    for index, panel in enumerate(panels):
        lines += panel.svg(index * WIDTH)
    path.write_text("\n".join([*lines, "</svg>"]) + "\n")
