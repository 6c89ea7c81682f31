# canonical_dump.py FILE - every value of a SQLite database with its type, every definition, and the facts of its header.
import sqlite3
import struct
import sys

db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
db.text_factory = bytes


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


for fact in ("user_version", "application_id", "page_size", "encoding", "auto_vacuum"):
    print(fact, db.execute("PRAGMA " + fact).fetchone())
tables = []
for row in sorted(db.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")):
    print(*row)
    if row[0] == b"table" and not row[1].startswith(b"sqlite_stat"):
        tables.append(row[1].decode())
for table in tables:
    print("TABLE", ascii(table))
    columns = [c[1].decode() for c in db.execute("SELECT * FROM pragma_table_xinfo(?)", (table,)) if c[6] != 1]
    wanted = ", ".join(f"typeof({quoted(c)}), {quoted(c)}" for c in columns)
    for row in db.execute(f"SELECT {wanted} FROM {quoted(table)}"):
        print([struct.pack(">d", v).hex() if isinstance(v, float) else v for v in row])
