"""A Grafana dashboard drawn from its JSON and a Prometheus, as one HTML page.

Every query of every panel is sent, with the dashboard's variables put in, and the
answers are drawn at the panels' places: lines, stacks, bars, single numbers. It is
not Grafana; it shows that each query is accepted, and what the layout is.
"""

import html
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request

COLUMN, LINE, GAP = 62, 30, 8  # pixels
COLOURS = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9",
           "#96d98d", "#ffa6b0", "#fade2a", "#c0d8ff", "#ffb357", "#a352cc", "#37872d"]
NAMED = {"green": "#73bf69", "yellow": "#f2cc0c", "orange": "#ff9830", "red": "#f2495c",
         "blue": "#5794f2", "purple": "#b877d9"}
STYLE = """
body { background: #111217; color: #ccccdc; font: 12px 'DejaVu Sans', sans-serif; margin: 12px; }
h1 { font-size: 17px; margin: 0 0 4px; } p { margin: 0 0 12px; color: #9fa3b0; }
#board { position: relative; }
.panel, .row { position: absolute; box-sizing: border-box; overflow: hidden; }
.panel { background: #181b1f; border: 1px solid #2c3036; border-radius: 2px; padding: 6px 8px; }
.row { font-size: 14px; padding-top: 8px; }
.title { font-weight: bold; white-space: nowrap; } .none { color: #6e7280; text-align: center; }
.number { text-align: center; line-height: 1; }
.legend { white-space: nowrap; font-size: 10px; color: #9fa3b0; }
.legend i { display: inline-block; width: 10px; height: 3px; margin: 0 4px 3px 8px; }
svg text { fill: #8e93a0; font-size: 10px; }
"""


class Refused(Exception):
    """Prometheus does not take a query."""


def ask(base, path, **arguments):
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        said = json.load(error).get("error", "")
        raise Refused(f"{arguments.get('query', path)}: {said}") from error


def answers(base, panel, variables, start, end, step):
    """(name, [(time, value)]) of each series of a panel."""
    series = []
    for target in panel.get("targets", []):
        query = target["expr"]
        for name, value in variables.items():
            query = query.replace(f"${name}", value)
        found = ask(base, "query_range", query=query, start=start, end=end, step=step)["result"]
        for one in found:
            legend = re.sub(r"{{(\w+)}}", lambda m: one["metric"].get(m[1], ""), target["legendFormat"])
            points = [(float(t), float(v)) for t, v in one["values"] if v not in ("NaN", "+Inf", "-Inf")]
            if points:
                series.append((legend, points))
    return series


def shown(value, unit):
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
            if abs(value) >= size:
                return f"{value / size:.1f} {name}"
        return f"{value:.1f} s" if abs(value) >= 1 else f"{value * 1000:.0f} ms"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit in ("bytes", "Bps"):
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}" + ("/s" if unit == "Bps" else "")
        return f"{value:.0f} B" + ("/s" if unit == "Bps" else "")
    text = f"{value / 1000:.3g} K" if abs(value) >= 1000 else f"{value:.3g}"
    return text + {"cps": "/s", "reqps": "/s"}.get(unit, "")


def overridden(panel, name, what):
    """What the panel says of this series alone."""
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            for one in override["properties"]:
                if one["id"] == what:
                    return one["value"]
    return None


def colour_of(panel, name, number):
    colour = overridden(panel, name, "color")
    return NAMED[colour["fixedColor"]] if colour else COLOURS[number % len(COLOURS)]


def number(panel, series, height):
    defaults = panel["fieldConfig"]["defaults"]
    value = series[0][1][-1][1]
    steps = defaults["thresholds"]["steps"]
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    text = shown(value, defaults["unit"])
    for mapping in defaults.get("mappings", []):
        text = mapping["options"].get(f"{value:.0f}", {}).get("text", text)
    size = min(30, 250 // max(len(text), 1) + 6)
    return (f'<div class="number" style="color:{NAMED[reached[-1]]};font-size:{size}px;'
            f'padding-top:{height / 2 - size}px">{html.escape(text)}</div>')


def stacked(panel, series):
    """Each series on top of those before it, but those that stand beside."""
    base, lifted = {}, []
    for name, points in series:
        if overridden(panel, name, "custom.stacking"):
            lifted.append((name, points, None))
            continue
        values = [(t, v + base.get(t, 0)) for t, v in points]
        lifted.append((name, values, [(t, base.get(t, 0)) for t, _ in points]))
        base.update(values)
    return lifted


def unbroken(points):
    """The runs without a gap: a time that has no value is not drawn over."""
    step = min([b[0] - a[0] for a, b in zip(points, points[1:])], default=0)
    runs = [[points[0]]]
    for before, point in zip(points, points[1:]):
        if point[0] - before[0] > 1.5 * step:
            runs.append([])
        runs[-1].append(point)
    return runs


def chart(panel, series, width, height, start, end):
    defaults = panel["fieldConfig"]["defaults"]
    custom, unit = defaults["custom"], defaults["unit"]
    is_stack = custom["stacking"]["mode"] == "normal"
    drawn = stacked(panel, series) if is_stack else [(name, points, None) for name, points in series]
    limits = [step["value"] for step in defaults["thresholds"]["steps"] if step["value"] is not None]
    limits = limits if custom["thresholdsStyle"]["mode"] == "line" else []
    values = [v for _, points, _ in drawn for _, v in points]
    low = min([defaults.get("min", min(values)), *values])
    high = defaults.get("max", max(values) * 1.05)
    high = high if high > low else low + 1
    left, top, bottom = 58, 10, 16
    x = lambda t: left + (t - start) / (end - start) * (width - left - 8)
    y = lambda v: top + (high - v) / (high - low) * (height - top - bottom)
    parts = []
    for tick in range(4):
        v = low + (high - low) * tick / 3
        parts.append(f'<line x1="{left}" x2="{width - 8}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#2c3036"/>'
                     f'<text x="{left - 4}" y="{y(v) + 3:.1f}" text-anchor="end">{shown(v, unit)}</text>')
        t = start + (end - start) * (tick + 0.5) / 4
        clock = time.strftime("%H:%M:%S", time.gmtime(t))
        parts.append(f'<text x="{x(t):.1f}" y="{height - 3}" text-anchor="middle">{clock}</text>')
    for limit in limits:
        if low <= limit <= high:
            parts.append(f'<line x1="{left}" x2="{width - 8}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" stroke="#f2495c" stroke-dasharray="4"/>')
    for index, (name, points, floor) in enumerate(drawn):
        colour = colour_of(panel, name, index)
        if custom["drawStyle"] == "bars":
            for (t, v), (_, f) in zip(points, floor or [(t, low) for t, _ in points]):
                parts.append(f'<rect x="{x(t) - 2:.1f}" y="{y(v):.1f}" width="4" height="{max(y(f) - y(v), 0):.1f}" fill="{colour}"/>')
            continue
        place = lambda run: " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in run)
        if floor:
            parts.append(f'<polygon points="{place(points)} {place(reversed(floor))}" fill="{colour}" fill-opacity="0.25"/>')
        for run in unbroken(points):
            parts.append(f'<polyline points="{place(run)}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
    legend = "".join(f'<i style="background:{colour_of(panel, name, index)}"></i>{html.escape(name)}'
                     for index, (name, _) in enumerate(series))
    return f'<svg width="{width}" height="{height}">{"".join(parts)}</svg><div class="legend">{legend}</div>'


def page(title, panels, base, variables, start, end, step):
    """A page of these panels, its height in pixels, and those that had nothing to show."""
    parts, empty, bottom = [], [], 0
    above = min(panel["gridPos"]["y"] for panel in panels)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] * COLUMN, (place["y"] - above) * (LINE + GAP)
        width, height = place["w"] * COLUMN - GAP, place["h"] * (LINE + GAP) - GAP
        bottom = max(bottom, top + height)
        if panel["type"] == "row":
            inside = html.escape(panel["title"])
        else:
            series = answers(base, panel, variables, start, end, step)
            inside = f'<div class="title">{html.escape(panel["title"])}</div>'
            if not series:
                empty.append(panel["title"])
                inside += f'<div class="none" style="padding-top:{height / 2 - 30}px">No data</div>'
            elif panel["type"] == "stat":
                inside += number(panel, series, height - 20)
            else:
                inside += chart(panel, series, width - 18, height - 48, start, end)
        kind = "row" if panel["type"] == "row" else "panel"
        parts.append(f'<div class="{kind}" style="left:{left}px;top:{top}px;width:{width}px;height:{height}px">{inside}</div>')
    said = (f"Every query of grafana/idtrail.json, answered by Prometheus {base.split('//')[1]} "
            "and drawn at its place by scripts/screens-grafana. Not Grafana.")
    return (f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><h1>{html.escape(title)}</h1>"
            f"<p>{said}</p><div id=board>{''.join(parts)}</div>"), bottom + 80, empty
