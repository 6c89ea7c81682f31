#!/usr/bin/env python3
"""report.py RESULTS.json MARKDOWN [SVG] - what compare.py measured, as tables (between two marks of MARKDOWN) and as a picture."""

import html
import json
import sys
from pathlib import Path

PHASES = ("first", "unchanged", "incremental", "restore", "single file", "verify", "prune")
TITLES = {"database": "A live SQLite database", "lake": "A lake of files", "real": "A real tree"}
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"

# phase: how many times as fast as the best peer it is to be, by workload; of a database the peers are those with a history.
TARGETS = {"database": {"first": 2.5, "incremental": 6, "restore": 2, "verify": 3, "prune": 5},
           "lake": {"first": 1.7, "unchanged": 3, "incremental": 2, "restore": 2, "verify": 3, "prune": 5}}
TARGETS["real"] = TARGETS["lake"]
HISTORY = ("restic", "borg", "bup")
DATABASE = ("restic", "borg")  # behind a copy that SQLite makes


def peers_of(tools, workload, phase):
    """Of the tools with a figure: a script of tar and zstd has no increments, and what it verifies is no restored data."""
    only = DATABASE if workload == "database" else HISTORY if phase in ("unchanged", "incremental", "verify", "prune") else tools
    return {t: tools[t][phase] for t in tools if t not in ("holdfast", "floors") and t in only and phase in tools[t]}


def best(tools, workload, phase, key="wall_s"):
    peers = peers_of(tools, workload, phase)
    return min(peers.items(), key=lambda p: p[1][key]) if peers else (None, None)


def megabytes(count):
    return f"{count / 1e6:,.0f}" if abs(count) >= 1e7 else f"{count / 1e6:.1f}"


def seconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def judged(tools, workload):
    ours = tools["holdfast"]
    for phase, target in TARGETS[workload].items():
        name, peer = best(tools, workload, phase)
        if peer is not None and phase in ours:
            times = peer["wall_s"] / ours[phase]["wall_s"]
            yield phase, f"{times:.1f} x as fast as {name}", f">= {target} x", times >= target
    name, peer = best(tools, workload, "incremental", "added_bytes")
    if workload == "database" and peer is not None:
        times = peer["added_bytes"] / max(1, ours["incremental"]["added_bytes"])
        yield "bytes added", f"{times:.1f} x fewer than {name}", ">= 8 x", times >= 8
    if workload != "database":
        sizes = {t: tools[t]["repository"]["added_bytes"] for t in HISTORY if "repository" in tools.get(t, {})}
        name = min(sizes, key=sizes.get)
        size = ours["repository"]["added_bytes"] / sizes[name]
        yield "repository", f"{size:.2f} x the size of {name}'s", "<= 1 x", size <= 1
        if "single file" in ours:
            yield "single file", f"{ours['single file']['wall_s'] * 1000:.0f} ms", "< 100 ms", ours["single file"]["wall_s"] < 0.1
    floor = sum(tools["floors"][f]["wall_s"] for f in ("read (cat)", "zstd -3 -T2"))
    yield "first", f"{ours['first']['wall_s'] / floor:.2f} x zstd -3 -T2 and reading", "<= 1.3 x", ours["first"]["wall_s"] <= 1.3 * floor
    peak = max(ours[p]["peak_kib"] for p in PHASES if p in ours) / 1024
    yield "peak memory", f"{peak:.0f} MiB", "<= 100 MB", peak * 1.048576 <= 100


def markdown(report):
    out = [f"Measured on {report['date']}: {report['machine']}; medians of {report['rounds']} interleaved runs, warm caches, load {report['load']:.1f}.",
           "; ".join(f"{t}: {v}" for t, v in report["versions"].items()) + ".", ""]
    for workload, tools in report["medians"].items():
        scale = report["scale"]
        what = {"database": f"{scale['db_mib']:,} MiB, WAL", "lake": f"{scale['small_files']:,} small files and large ones", "real": f"{scale['real_mib']:,} MiB of /usr"}[workload]
        out += [f"### {TITLES[workload]} ({what})", "", "Wall seconds (CPU seconds); behind it the megabytes that were added to the repository.", "",
                "| | " + " | ".join(PHASES) + " | repository, MB | peak, MiB |", "|---" * (len(PHASES) + 3) + "|"]
        for tool, phases in tools.items():
            if tool == "floors" or not phases:
                continue
            cells = []
            for phase in PHASES:
                f = phases.get(phase)
                text = "–" if f is None else f"{seconds(f['wall_s'])} ({seconds(f['cpu_s'])})"
                cells.append(text + (f" +{megabytes(f['added_bytes'])}" if f and phase in PHASES[:3] else ""))
            size = phases.get("repository")
            cells.append(megabytes(size["added_bytes"]) if size else "–")
            cells.append(f"{max(f['peak_kib'] for f in phases.values() if 'peak_kib' in f) / 1024:.0f}")
            out.append(f"| {tool} | " + " | ".join(cells) + " |")
        out += ["", "Floors: " + ", ".join(f"{n} {seconds(f['wall_s'])} s ({seconds(f['cpu_s'])})" for n, f in tools["floors"].items()) + ".", "",
                "| what | measured | target | |", "|---|---|---|---|"]
        out += [f"| {phase} | {text} | {target} | {'held' if is_held else 'MISSED'} |" for phase, text, target, is_held in judged(tools, workload)]
        out.append("")
    failed = [f"{t} ({w}): {runs['failed'][0]}" for w, by_tool in report["runs"].items() for t, runs in by_tool.items() if "failed" in runs]
    return "\n".join(out + [f"Left out after a failure: {f}" for f in failed] + ([""] if failed else []))


def svg(report):
    """Bars of wall time, one block per workload and phase, as wide as the slowest tool of that block."""
    colours = {"holdfast": "#0b6e4f"}
    width, bar, parts, y = 760, 16, [], 34
    for workload, tools in report["medians"].items():
        parts.append(f'<text x="10" y="{y}" class="title">{TITLES[workload]}</text>')
        y += 12
        for phase in PHASES:
            rows = [(t, tools[t][phase]["wall_s"]) for t in tools if t != "floors" and phase in tools[t]]
            if not rows:
                continue
            slowest = max(s for _, s in rows)
            parts.append(f'<text x="10" y="{y + 12}" class="phase">{phase}</text>')
            for tool, value in rows:
                parts.append(f'<text x="215" y="{y + 12}" class="tool">{html.escape(tool)}</text>'
                             f'<rect x="225" y="{y + 2}" width="{max(1, value / slowest * 440):.0f}" height="{bar - 5}" fill="{colours.get(tool, "#9aa5b1")}"/>'
                             f'<text x="{229 + value / slowest * 440:.0f}" y="{y + 12}">{seconds(value)} s</text>')
                y += bar
            y += 6
        y += 26
    style = ("text{font:11px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}.phase{font-weight:600}.tool{text-anchor:end}"
             "@media(prefers-color-scheme:dark){text{fill:#ddd}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" role="img" aria-label="Wall time of each tool, shorter is better">'
            f"<style>{style}</style>{''.join(parts)}</svg>\n")


def main(results, page, picture=None):
    report = json.loads(Path(results).read_text())
    text = Path(page).read_text() if Path(page).exists() else f"# Benchmarks\n\n{BEGIN}{END}"
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    Path(page).write_text(before + BEGIN + "\n" + markdown(report) + "\n" + END + after)
    if picture:
        Path(picture).write_text(svg(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
