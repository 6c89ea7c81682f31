#!/usr/bin/env python3
"""compare.py [--scale small|full] [--rounds N] [--work DIR] [--json FILE] [WORKLOAD]... - holdfast beside restic, borg, bup and zstd on the same
data in one run: each phase goes through all tools before the next begins, so a slow minute of the machine hits all of them."""

import argparse
import datetime
import filecmp
import json
import os
import platform
import shutil
import sqlite3
import statistics
import sys
from pathlib import Path

import data
import tools
from measure import Failed, measure

SCALES = {"small": {"db_mib": 128, "small_files": 5000, "real_mib": 150, "rounds": 1}, "full": {"db_mib": 1024, "small_files": 20000, "real_mib": 2048, "rounds": 3}}
WORKLOADS = ("database", "lake", "real")


def log(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def same_database(one, other):
    """Row for row, since SQLite's own copy has another file header."""
    rows = [iter(sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT * FROM trades ORDER BY id")) for path in (one, other)]
    return all(a == b for a, b in zip(*rows, strict=True))


def same_tree(one, other):
    ours = sorted(str(p.relative_to(one)) for p in Path(one).rglob("*"))
    theirs = sorted(str(p.relative_to(other)) for p in Path(other).rglob("*"))
    return ours == theirs and all(filecmp.cmp(f"{one}/{p}", f"{other}/{p}", shallow=False) for p in ours if Path(one, p).is_file() and not Path(one, p).is_symlink())


class Comparison:
    def __init__(self, work, scale, results):
        self.work, self.scale, self.results = work, scale, results

    def note(self, workload, tool, phase, figures):
        self.results.setdefault(workload, {}).setdefault(tool, {}).setdefault(phase, []).append(figures)

    def run(self, workload, tool, phase, command):
        """False if there is no such command, or it failed: then the tool is out of this workload."""
        if command is None:
            return True
        try:
            before = tool.stored()
            figures = measure(command, tool.environment())
        except Failed as e:
            log(f"{tool.name} is left out of the rest of {workload}: {phase}: {e}")
            self.note(workload, tool.name, "failed", str(e)[:300])
            return False
        figures["added_bytes"] = tool.stored() - before
        self.note(workload, tool.name, phase, figures)
        return True

    def floors(self, workload, source):
        paths = f"find '{source}' -type f -print0 | xargs -0" if source.is_dir() else f"printf '%s\\0' '{source}' | xargs -0"
        pack = f"tar -cf - '{source}'" if source.is_dir() else f"cat '{source}'"
        for name, line in (("read (cat)", f"{paths} cat >/dev/null"), ("openssl sha256", f"{paths} openssl sha256 >/dev/null"),
                           ("zstd -3 -T2", f"{pack} 2>/dev/null | zstd -q -3 -T2 -c >/dev/null"), ("list (find -ls)", f"find '{source}' -ls >/dev/null")):
            self.note(workload, "floors", name, measure(line, {}))

    def one_round(self, workload, number, source, change, classes):
        is_database = workload == "database"
        out = self.work / "out"
        active = [c(self.work / c.program, source, is_database) for c in classes if number < c.rounds]
        active = active[number % len(active):] + active[:number % len(active)]
        for tool in active:
            tool.reset()
            measure(tool.prepare(), tool.environment())

        def phase(name, command, each=None):
            nonlocal active
            alive = []
            for tool in active:
                if command(tool) is None:
                    alive.append(tool)
                    continue
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                if self.run(workload, tool, name, command(tool)) and (each is None or each(tool)):
                    alive.append(tool)
            active = alive

        self.floors(workload, source)
        phase("first", lambda t: t.backup())
        phase("unchanged", lambda t: t.backup())
        change(number)
        phase("incremental", lambda t: t.backup())
        for tool in active:
            self.note(workload, tool.name, "repository", {"added_bytes": tool.stored()})
        phase("restore", lambda t: t.restore(out), lambda t: number > 0 or self.check(workload, t, source, out))
        if not is_database:
            name = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file() and not p.is_symlink())[7]
            phase("single file", lambda t: t.one(name, out) if t.one else None)
        phase("verify", lambda t: t.verify() if t.verify else None)
        phase("prune", lambda t: t.prune() if t.prune else None)
        for tool in active:
            shutil.rmtree(tool.home)
        shutil.rmtree(out, ignore_errors=True)

    def check(self, workload, tool, source, out):
        restored = tool.restored(out)
        is_same = same_database(source, restored) if workload == "database" else same_tree(source, restored)
        if not is_same:
            log(f"{tool.name} did not restore what it was given: {workload}")
            self.note(workload, tool.name, "failed", "what it restored is not what it was given")
        return is_same

    def workload(self, name, rounds, classes):
        home = self.work / "data"
        for number in range(rounds):
            log(f"{name}, round {number + 1} of {rounds}")
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            if name == "database":
                source = home / "trades.db"
                data.make_database(source, self.scale["db_mib"])
                change = lambda n: data.change_database(source, 100 + n)
            else:
                source = home / name
                data.make_lake(source, self.scale["small_files"]) if name == "lake" else data.copy_real(str(source), self.scale["real_mib"])
                change = lambda n: data.change_tree(source, 100 + n)
            self.one_round(name, number, source, change, classes)
        shutil.rmtree(home)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) // 1024 // 1024
    return f"{os.cpu_count()} x {model}, {memory} GiB, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--work", type=Path, default=Path("/tmp/holdfast-compare"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    arguments = parser.parse_args()
    scale = SCALES[arguments.scale]
    classes = [c for c in tools.ALL if c.is_here()]
    if classes[0] is not tools.Holdfast:
        sys.exit("compare: error: snap is not in PATH\ncompare: hint: make build; PATH=$PWD/build/bin:$PATH")
    for missing in (c.name for c in tools.ALL if c not in classes):
        log(f"{missing} is not installed, so it is left out")
    results = {}
    arguments.work.mkdir(parents=True)  # not one that is there: it is removed in the end
    try:
        comparison = Comparison(arguments.work, scale, results)
        for name in arguments.workloads or WORKLOADS:
            comparison.workload(name, arguments.rounds or scale["rounds"], classes)
    finally:
        shutil.rmtree(arguments.work)
    report = {"rounds": arguments.rounds or scale["rounds"], "machine": machine(), "date": datetime.date.today().isoformat(), "scale": {"name": arguments.scale, **scale}, "versions": {c.name: c.version() for c in classes}, "runs": results,
              "load": os.getloadavg()[2]}
    report["medians"] = {w: {t: {p: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for p, runs in phases.items() if p != "failed"}
                             for t, phases in by_tool.items()} for w, by_tool in results.items()}
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
