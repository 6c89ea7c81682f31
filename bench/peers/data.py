"""The data of the comparison: made from a seed, so two runs measure the same bytes; and what happens to it from one backup to the next."""

import os
import random
import shutil
import sqlite3
from pathlib import Path

SENTENCE = ("momentum above the band, volume confirms, stop below the low; target at the last swing high; size by volatility, "
            "not by conviction; out before the close unless the spread widens; watch the index future for the turn")
ROWS_PER_MIB = 2450  # of about 400 bytes, a third of them random


def rows(generator, first, count):
    for i in range(first, first + count):
        yield (i, 1_700_000_000 + i, f"S{i % 500}", "BUY" if i % 2 else "SELL", generator.randrange(1000), generator.randrange(10**7) / 100,
               generator.randbytes(70).hex() + SENTENCE[:150 + i % 40], generator.randrange(-5000, 5000) / 10)


def make_database(path, mib, seed=1):
    """A trading database in WAL mode of about `mib` MiB."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE trades(id INTEGER PRIMARY KEY, at INT, code TEXT, action TEXT, quantity INT, price REAL, rationale TEXT, pnl REAL)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows(random.Random(seed), 1, mib * ROWS_PER_MIB))
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def change_database(path, seed):
    """1 % of the rows at random are updated, 1 % inserted."""
    generator = random.Random(seed)
    db = sqlite3.connect(path, isolation_level=None)
    last = db.execute("SELECT max(id) FROM trades").fetchone()[0]
    db.execute("BEGIN")
    db.executemany("UPDATE trades SET pnl = pnl + 1 WHERE id = ?", ((generator.randrange(1, last),) for _ in range(last // 100)))
    db.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows(generator, last + 1, last // 100))
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


class Blob:
    """Bytes that compress to about two thirds: base64 of random ones, cut at random places of one long stretch."""

    def __init__(self, generator):
        import base64
        self.generator = generator
        self.bytes = base64.b64encode(generator.randbytes(12 << 20))

    def cut(self, size):
        parts = []
        while size > 0:
            at = self.generator.randrange(len(self.bytes) - 4096)
            part = self.bytes[at:at + min(size, 1 << 20)]
            parts.append(self.generator.randbytes(min(64, size)) + part[:max(0, size - 64)])
            size -= len(parts[-1])
        return b"".join(parts)


def make_lake(root, small, seed=2):
    """`small` files of 1 to 20 KB, a fiftieth as many of 1 to 8 MB, a five-thousandth as many of 128 MB, and logs."""
    generator = random.Random(seed)
    blob = Blob(generator)
    plan = [(f"small/{i // 500:03}/part-{i:05}.json", generator.randrange(1_000, 20_000)) for i in range(small)]
    plan += [(f"middle/{i // 50:02}/part-{i:04}.parquet", generator.randrange(1_000_000, 8_000_000)) for i in range(small // 50)]
    plan += [(f"big/part-{i}.bin", 128_000_000) for i in range(small // 5000)]
    plan += [(f"logs/{i}.log", 2_000_000) for i in range(3)]
    for name, size in plan:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob.cut(size))


def copy_real(root, limit_mib):
    """What a machine has: /usr/share, then /usr/lib, until there are so many MiB."""
    left = limit_mib << 20
    for top in ("/usr/share", "/usr/lib"):
        for folder, folders, names in os.walk(top):
            folders.sort()
            Path(root + folder).mkdir(parents=True, exist_ok=True)
            for name in sorted(names):
                source = os.path.join(folder, name)
                if os.path.islink(source):
                    os.symlink(os.readlink(source), root + source)
                elif os.path.isfile(source):
                    left -= os.path.getsize(source)
                    shutil.copy2(source, root + source)
                if left <= 0:
                    return


def change_tree(root, seed):
    """Of the small files 1 % are rewritten, 1 % added and 1 % removed; logs grow."""
    generator = random.Random(seed)
    blob = Blob(generator)
    files = sorted(p for p in Path(root).rglob("*") if p.is_file() and not p.is_symlink() and p.stat().st_size < 1_000_000 and p.suffix != ".log")
    chosen = generator.sample(files, max(2, len(files) // 50))
    for path in chosen[0::2]:
        path.write_bytes(blob.cut(max(1000, path.stat().st_size)))
        path.with_name(path.name + ".new").write_bytes(blob.cut(generator.randrange(1_000, 20_000)))
    for path in chosen[1::2]:
        path.unlink()
    for path in Path(root).glob("logs/*.log"):
        with path.open("ab") as log:
            log.write(blob.cut(100_000))
