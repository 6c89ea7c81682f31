# odd_database.py FILE - a SQLite database with values at the edges of every type, odd names, and every kind of table.
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1])
run = db.execute
for fact in ("user_version=42", "application_id=-7", "page_size=1024"):
    run("PRAGMA " + fact)

values = [
    None, 0, -1, 2**63 - 1, -(2**63), 2**53 + 1, 1.5, -0.0, 1e300, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"),
    0.1, 1 / 3, 794.63, 123456789.123, 100000.0, 1e22, 1e-7, "", "abc", "123", "-1", "1.5", "-0", "007", "1e5", "Infinity", "NaN",
    "a,b", 'a"b', '"', "l\nm", "l\r\nm", "\r", " sp ", "\t", "\\t:x", "\\\\server", "\\b:AA==", "\\", "nul\0in", "ü€😀", "=1+1",
    b"", b"\0\xff", b"text", bytes(range(256)), "9223372036854775808", "x" * 100_000, "y,\"" * 1000]
run("CREATE TABLE mixed(i INTEGER, r REAL, n NUMERIC, t TEXT, b BLOB, x, d DATETIME, m DECIMAL(10,2))")
for value in values:
    run("INSERT INTO mixed VALUES (?,?,?,?,?,?,?,?)", (value,) * 8)
odd = "CAST(x'ff41' AS TEXT)"
run(f"INSERT INTO mixed VALUES ({odd}, {odd}, {odd}, {odd}, {odd}, {odd}, '2024-01-15 10:00:00', 1.25)")

run("CREATE TABLE trade(id INTEGER PRIMARY KEY, code TEXT NOT NULL, price REAL, quantity INT, note TEXT)")
run("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) "
    "INSERT INTO trade SELECT x, 'S' || x % 50, x / 100.0, x % 7, iif(x % 3, 'note, ' || x, NULL) FROM n")
run("CREATE INDEX trade_by_code ON trade(code, id)")
run("CREATE TABLE wide(k TEXT PRIMARY KEY, v) WITHOUT ROWID")
run("INSERT INTO wide VALUES ('b', 1), ('a', 2)")
run("CREATE TABLE generated(a INT, b INT AS (a * 2) VIRTUAL, c TEXT AS (a || 'x') STORED)")
run("INSERT INTO generated(a) VALUES (1), (2)")
run("CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, v)")
run("INSERT INTO counted(v) VALUES ('x')")
run("UPDATE sqlite_sequence SET seq = 77")
run("CREATE TABLE strict_one(a INT, b ANY) STRICT")
run("INSERT INTO strict_one VALUES (1, '5'), (2, 5), (3, 5.0)")
run("CREATE TABLE one(x)")
run("INSERT INTO one VALUES (NULL), (''), ('y')")
for name in ("a/b", "a_b", "../../escape", 'q"uote\nline', "n" * 300, "n" * 299 + "m", "record_count", "empty", "ünï", "-rf", "ORDER"):
    quoted = '"' + name.replace('"', '""') + '"'
    run(f'CREATE TABLE {quoted}("c""ol\n,x" TEXT, "SELECT" INT)')
    run(f"INSERT INTO {quoted} VALUES (?, 1)", (name,))
run("CREATE VIRTUAL TABLE words USING fts5(body)")
run("INSERT INTO words VALUES ('hello world'), ('foo bar')")
run("CREATE VIEW positive AS SELECT i, t FROM mixed WHERE i > 0")
run("CREATE TRIGGER keep_none AFTER INSERT ON counted BEGIN DELETE FROM counted; END")
run("ANALYZE")
db.commit()
