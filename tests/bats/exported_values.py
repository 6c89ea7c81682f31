# exported_values.py FORMAT DATABASE FOLDER - reads an export with Python's own modules and compares every value with the
# database, by the rules of docs/export.md. Written apart from the C++ that writes the files.
import base64
import csv
import gzip
import json
import os
import sqlite3
import struct
import sys

kind, database, folder = sys.argv[1:]
csv.field_size_limit(1 << 30)
db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
db.text_factory = bytes
index = json.load(open(os.path.join(folder, "export.json")))


def refuse_constant(word):
    raise ValueError("not strict JSON: " + word)


def bits(value):  # a value that equals only itself
    return ("real", struct.pack(">d", value)) if isinstance(value, float) else (type(value).__name__, value)


def from_json(value, cells):
    if isinstance(value, dict):
        ((mark, text),) = value.items()
        return {"base64": lambda: base64.b64decode(text), "text_base64": lambda: ("text", base64.b64decode(text)),
                "text": lambda: ("text", text.encode()), "real": lambda: float(text)}[mark]()
    if isinstance(value, str):
        return base64.b64decode(value, validate=True) if cells == "base64" else ("text", value.encode())
    return value


def from_csv(text, cells):
    """What a reader that does not see quotes can know: NULL and '' are both empty, '12' and 12 both 12."""
    if text[:1] == "\\" and text[2:3] == ":" and text[1] in "tirbu":
        rest = text[3:]
        return {"t": lambda: ("text", rest.encode()), "i": lambda: int(rest), "r": lambda: float(rest),
                "b": lambda: base64.b64decode(rest), "u": lambda: ("text", base64.b64decode(rest))}[text[1]]()
    if cells == "base64" and text != "":
        return base64.b64decode(text, validate=True)
    return ("plain", text)


def same_csv(got, want, cells):
    if not (isinstance(got, tuple) and got[0] == "plain"):
        return got == want if isinstance(got, tuple) else bits(got) == bits(want)
    text = got[1]
    if want is None or want == ("text", b"") or want == b"":
        return text == ""
    if isinstance(want, tuple):
        return text.encode() == want[1]
    if isinstance(want, int):
        return text == str(want)
    return isinstance(want, float) and any(c in text for c in ".eI") and bits(float(text)) == bits(want)


def rows_of(table):
    path = os.path.join(folder, table["file"])
    opened = gzip.open(path, "rt", newline="", encoding="utf-8") if path.endswith(".gz") else open(path, newline="", encoding="utf-8")
    with opened as file:
        if kind == "csv":
            reader = csv.reader(file, strict=True)
            header = next(reader)
            assert header == [c["name"] for c in table["columns"]], header
            for row in reader:
                yield row if row else [""]
        elif kind == "json":
            document = json.load(file, parse_constant=refuse_constant)
            assert document["record_count"] == table["rows"]
            key = table["table"] if table["table"] != "record_count" else "table record_count"
            for row in document[key]:
                yield list(row.values())
        else:
            for line in file:
                yield list(json.loads(line, parse_constant=refuse_constant).values())


seen = 0
for table in index["tables"]:
    columns = table["columns"]
    names = ", ".join(f"typeof({n}), {n}" for n in ('"' + c["name"].replace('"', '""') + '"' for c in columns))
    wanted = db.execute(f'SELECT {names} FROM "{table["table"].replace(chr(34), chr(34) * 2)}" NOT INDEXED')
    count = 0
    for got, flat in zip(rows_of(table), wanted, strict=True):
        count += 1
        for i, column in enumerate(columns):
            want = ("text", flat[2 * i + 1]) if flat[2 * i] == b"text" else flat[2 * i + 1]
            cells = column["cells"]
            if kind == "csv":
                ok = same_csv(from_csv(got[i], cells), want, cells)
            else:
                value = from_json(got[i], cells)
                ok = value == want if isinstance(want, tuple) else bits(value) == bits(want)
            assert ok, (table["table"], count, column["name"], got[i], want)
            seen += 1
    assert count == table["rows"], table["table"]
assert seen > 10000, seen
