"""Each tool as people use it: its defaults, and for a live database the copy that SQLite itself makes first, where the tool has no way of its own."""

import os
import shutil
import subprocess
from pathlib import Path


class Tool:
    """Commands are argument lists, or lines for bash; `source` is what is backed up, `home` a folder of the tool's own."""

    name = ""
    program = ""
    rounds = 99  # at most

    def __init__(self, home, source, is_database):
        self.home, self.source, self.is_database = Path(home), Path(source), is_database
        self.repo = self.home / "repo"
        self.copy = self.home / self.source.name  # of a database
        self.count = 0

    @classmethod
    def is_here(cls):
        return shutil.which(cls.program) is not None

    @classmethod
    def version(cls):
        line = subprocess.run([cls.program, "version" if cls.program in ("restic", "bup") else "--version"], capture_output=True, text=True)
        return (line.stdout or line.stderr).splitlines()[0]

    def environment(self):
        return {}

    def reset(self):
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.count = 0

    def stored(self):
        return sum(os.lstat(os.path.join(d, f)).st_blocks * 512 for d, _, files in os.walk(self.repo) for f in files)

    def input(self):  # a line that makes what is backed up, and its path
        if not self.is_database:
            return "", self.source
        return f"rm -f '{self.copy}' && sqlite3 '{self.source}' \".backup '{self.copy}'\" && ", self.copy

    verify = prune = one = None  # commands; a tool without one has no figure


class Holdfast(Tool):
    name = "holdfast"
    program = "snap"

    def environment(self):
        return {"XDG_CACHE_HOME": str(self.home / "cache"), "XDG_STATE_HOME": str(self.home / "state")}

    def prepare(self):
        (self.home / "keep.toml").write_text("[retention]\nkeep_last = 1\nmin_keep = 1\n")
        return ["holdfast", "init", "--repo", self.repo]

    def backup(self):
        return ["snap", "-q", "--repo", self.repo, "--sqlite" if self.is_database else "--tree", self.source]

    def restore(self, out):
        return ["restore", "-q", "--repo", self.repo, "latest", "--target", out]

    def restored(self, out):
        return Path(out) / self.source.name

    def one(self, name, out):
        return ["restore", "-q", "--repo", self.repo, "latest", "--path", name, "--target", out]

    def verify(self):
        return ["verify", "-q", "--repo", self.repo]

    def prune(self):
        return ["prune", "-q", "--repo", self.repo, "--config", self.home / "keep.toml", "--empty-trash"]


class Restic(Tool):
    name = program = "restic"

    def environment(self):
        return {"RESTIC_PASSWORD": "measured", "RESTIC_REPOSITORY": str(self.repo), "RESTIC_CACHE_DIR": str(self.home / "cache")}

    def prepare(self):
        return ["restic", "init", "-q", "--repository-version", "2"]

    def backup(self):
        line, path = self.input()
        return f"{line}restic backup -q '{path}'"

    def restore(self, out):
        return ["restic", "restore", "-q", "latest", "--target", out]

    def restored(self, out):
        return Path(f"{out}{self.input()[1]}")

    def one(self, name, out):
        return ["restic", "restore", "-q", "latest", "--include", f"{self.source}/{name}", "--target", out]

    def verify(self):
        return ["restic", "check", "-q", "--read-data"]

    def prune(self):
        return ["restic", "forget", "-q", "--keep-last", "1", "--prune"]


class Borg(Tool):
    name = program = "borg"

    def environment(self):
        return {"BORG_REPO": str(self.repo), "BORG_BASE_DIR": str(self.home / "base"), "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def prepare(self):
        return ["borg", "init", "--encryption", "none"]  # in its favour

    def backup(self):
        self.count += 1
        line, path = self.input()
        return f"{line}borg create '::a{self.count}' '{path}'"

    def restore(self, out):
        return f"cd '{out}' && borg extract '::a{self.count}'"

    def restored(self, out):
        return Path(f"{out}{self.input()[1]}")

    def one(self, name, out):
        return f"cd '{out}' && borg extract '::a{self.count}' '{str(self.source).lstrip('/')}/{name}'"

    def verify(self):
        return ["borg", "check", "--verify-data"]

    def prune(self):
        return "borg prune --keep-last 1 && borg compact"


class Bup(Tool):
    name = program = "bup"
    rounds = 1  # slow, and the others say enough

    def environment(self):
        return {"BUP_DIR": str(self.repo)}

    def prepare(self):
        return ["bup", "init"]

    def backup(self):
        line, path = self.input()
        return f"{line}bup index '{path}' && bup save -q -n main '{path}'"

    def restore(self, out):
        return ["bup", "restore", "-q", "-C", out, f"/main/latest{self.input()[1]}"]

    def restored(self, out):
        return Path(out) / self.source.name

    def one(self, name, out):
        return ["bup", "restore", "-q", "-C", out, f"/main/latest{self.source}/{name}"]

    def verify(self):
        return ["bup", "fsck"]


class Zstd(Tool):
    """What a script of one's own does: a copy or a tar, compressed, with its checksum."""

    name = "tar, zstd -3 -T2"
    program = "zstd"

    def prepare(self):
        return ["mkdir", self.repo]

    def backup(self):
        self.count += 1
        line, path = self.input()
        out = self.repo / f"{self.count}.zst"
        make = f"zstd -q -3 -T2 '{path}' -o '{out}'" if self.is_database else f"tar -C '{path.parent}' -cf - '{path.name}' | zstd -q -3 -T2 -o '{out}'"
        return f"set -o pipefail; {line}{make} && openssl sha256 '{out}' >'{out}.sha256'"

    def restore(self, out):
        archive = self.repo / f"{self.count}.zst"
        if self.is_database:
            return ["zstd", "-q", "-d", archive, "-o", Path(out) / self.source.name]
        return f"set -o pipefail; zstd -q -d -c '{archive}' | tar -C '{out}' -xf -"

    def restored(self, out):
        return Path(out) / self.source.name

    def one(self, name, out):
        return f"zstd -q -d -c '{self.repo / f'{self.count}.zst'}' | tar -C '{out}' -xf - '{self.source.name}/{name}'"

    def verify(self):
        return f"for f in '{self.repo}'/*.zst; do openssl sha256 \"$f\" | cmp - \"$f.sha256\" || exit 1; done"


ALL = (Holdfast, Restic, Borg, Bup, Zstd)
