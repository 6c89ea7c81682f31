// ops/snapshot_summary.hpp - summary.txt: the manifest for a person with nothing but a pager.
#pragma once

#include <string>

#include "holdfast/base/units.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

inline std::string format_summary(const Manifest& m) {
    std::string out = "snapshot  " + m.id + " (number " + std::to_string(m.number) + ")\n";
    const auto line = [&](const char* title, const std::string& value) {
        out += std::string(title) + printable(value) + "\n";
    };
    line("state     ", m.state());
    line("type      ", m.type);
    line("host      ", m.host);
    line("started   ", format_utc(m.started));
    line("finished  ", format_utc(m.finished));
    line("size      ", format_bytes(m.bytes()) + ", new in this snapshot " + format_bytes(m.new_bytes()) +
                           ", stored in " + format_bytes(m.stored_bytes));
    line("written by", " holdfast " + m.holdfast_version + ", SQLite " + m.sqlite_version);
    for (const Component& c : m.components) {
        out += "\n" + printable(c.name) + "\n";
        line("  kind    ", c.kind + ", class " + c.source_class);
        if (!c.path.empty()) line("  from    ", c.path);
        line("  size    ", format_bytes(c.bytes) + " (" + std::to_string(c.bytes) + " bytes)");
        if (c.digest) line("  sha256  ", c.digest->hex());
        if (c.tree)
            line("  holds   ", std::to_string(c.tree->files) + " files, " +
                                   std::to_string(c.tree->directories) + " folders");
        if (c.sqlite)
            for (const auto& [table, rows] : c.sqlite->row_counts)
                line("  rows    ", table + ": " + std::to_string(rows));
        for (const std::string& w : c.warnings) line("  warning ", w);
    }
    for (const MissingSource& x : m.missing) line("\nmissing   ", x.source + " " + x.path + ": " + x.reason);
    for (const std::string& s : m.suspect) line("\nsuspect   ", s);
    out += "\nCheck it:   (cd snapshots/" + m.id + " && sha256sum -c SHA256SUMS)\nRestore it: ./recover.sh " +
           m.id + " TARGET_DIR\n";
    return out;
}

}  // namespace holdfast::ops
