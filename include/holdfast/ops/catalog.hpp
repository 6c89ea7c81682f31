// ops/catalog.hpp - what there is: facts about snapshots, differences between two, totals of the repository.
//
// Reads only, takes no lock: a snapshot that is pruned meanwhile is left out.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/store/checksums.hpp"
#include "holdfast/store/component_reader.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/snapshot_index.hpp"

namespace holdfast::ops {

/// How far each snapshot was proven: "captured", "verified", "verified deep", "drilled" (restored whole, its checks passed) or
/// "damaged", by its last ledger lines: a weaker proof later on takes nothing away.
inline std::map<std::string, std::string> read_trust(const Repository& repository) {
    std::map<std::string, std::string> trust;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event != "verified" && line.event != "drilled") return;
        const JsonFields fields(line.json, "ledger line");
        const std::string result = fields.text_or("result", "");
        if (line.event == "drilled") {  // "part" and "failed" prove nothing either way
            if (result == "damaged" || result == "ok")
                trust[line.snapshot] = result == "ok" ? "drilled" : "damaged";
            return;
        }
        std::string& state = trust[line.snapshot];
        const bool is_deep = fields.text_or("level", "") == "deep";
        if (result != "ok")
            state = "damaged";
        else if (state != "drilled" && (is_deep || state != "verified deep"))
            state = is_deep ? "verified deep" : "verified";
    });
    return trust;
}

struct Difference {
    char what;  // A added, D removed, M content changed, m only metadata changed
    std::string component;
    std::string path;  // inside a tree; empty: the component itself
    std::string detail;
};
using DifferenceSink = std::function<void(const Difference&)>;

namespace detail {

/// Order of the walk: directory by directory, `_delta_log` first in its directory, other names by bytes.
inline int compare_paths(std::string_view a, std::string_view b) {
    if (a == b) return 0;
    if (a == "." || b == ".") return a == "." ? -1 : 1;
    for (;;) {
        const std::string_view x = a.substr(0, a.find('/')), y = b.substr(0, b.find('/'));
        if (x != y) {
            if (x == "_delta_log" || y == "_delta_log") return x == "_delta_log" ? -1 : 1;
            return x < y ? -1 : 1;
        }
        if (x.size() == a.size() || y.size() == b.size()) return a.size() < b.size() ? -1 : 1;
        a.remove_prefix(x.size() + 1);
        b.remove_prefix(y.size() + 1);
    }
}

inline void diff_trees(ObjectReader& reader, const Component& a, const Component& b,
                       const DifferenceSink& sink) {
    const EntrySource before = entries_of_component(reader, a), after = entries_of_component(reader, b);
    std::optional<IndexEntry> x = before(), y = after();
    while (x || y) {
        const int order = !x ? 1 : !y ? -1 : compare_paths(x->path, y->path);
        if (order < 0) {
            sink({'D', a.name, a.path_of(x->path), format_bytes(x->size)});
        } else if (order > 0) {
            sink({'A', b.name, b.path_of(y->path), format_bytes(y->size)});
        } else if (x->type != y->type || x->sha256 != y->sha256 || x->link != y->link || x->size != y->size) {
            sink({'M', b.name, b.path_of(y->path), format_bytes(x->size) + " to " + format_bytes(y->size)});
        } else if (x->mode != y->mode || x->uid != y->uid || x->gid != y->gid || x->mtime_ns != y->mtime_ns) {
            sink({'m', b.name, b.path_of(y->path), "owner, mode or time"});
        }
        if (order <= 0) x = before();
        if (order >= 0) y = after();
    }
}

inline std::string row_changes(const SqliteFacts& a, const SqliteFacts& b) {
    std::string out;
    std::set<std::string> tables;
    for (const auto& [table, rows] : a.row_counts) tables.insert(table);
    for (const auto& [table, rows] : b.row_counts) tables.insert(table);
    for (const std::string& table : tables) {
        const auto x = a.row_counts.find(table), y = b.row_counts.find(table);
        const auto count = [](const auto& at, const auto& end) {
            return at == end ? std::string("none") : std::to_string(at->second);
        };
        const std::string from = count(x, a.row_counts.end()), to = count(y, b.row_counts.end());
        if (from != to) out += ", rows of " + table + ": " + from + " to " + to;
    }
    return out;
}

}  // namespace detail

/// What changed from `a` to `b`, component by component, in stream order. Throws: corrupt, io.
inline void diff(const Repository& repository, const Manifest& a, const Manifest& b,
                 const DifferenceSink& sink) {
    ObjectReader reader(repository);
    for (const Component& x : a.components)
        if (b.find(x.name) == nullptr) sink({'D', x.name, "", format_bytes(x.bytes)});
    for (const Component& y : b.components) {
        const Component* x = a.find(y.name);
        if (x == nullptr)
            sink({'A', y.name, "", format_bytes(y.bytes)});
        else if (x->is_tree() && y.is_tree()) {
            if (x->index->digest != y.index->digest) detail::diff_trees(reader, *x, y, sink);
        } else if (x->kind != y.kind || x->digest != y.digest)
            sink({'M', y.name, "",
                  format_bytes(x->bytes) + " to " + format_bytes(y.bytes) +
                      (x->sqlite && y.sqlite ? detail::row_changes(*x->sqlite, *y.sqlite) : "")});
    }
}

struct RepositoryStats {
    std::uint64_t snapshots = 0;
    std::uint64_t captured_bytes = 0;  // of all snapshots, as if each were whole
    std::uint64_t objects = 0;
    std::uint64_t stored_bytes = 0;
    std::uint64_t unreferenced_objects = 0;
    std::uint64_t unreferenced_bytes = 0;
    std::vector<UnreadableSnapshot> unreadable;
};

/// Throws: io.
inline RepositoryStats stats(const Repository& repository) {
    RepositoryStats out;
    SnapshotList list = list_snapshots(repository);
    out.unreadable = std::move(list.unreadable);
    std::set<Digest> live;
    for (const Manifest& m : list.newest_first) {
        ++out.snapshots;
        out.captured_bytes += m.bytes();
        const Checksums sums = read_checksums(repository.snapshot(m.id) / "SHA256SUMS");
        live.insert(sums.objects.begin(), sums.objects.end());
    }
    for (const std::string& folder : list_directory(repository.root() / "objects"))
        for (const std::string& name : list_directory(repository.root() / "objects" / folder)) {
            const auto digest = Digest::parse(name);
            struct stat st {};
            if (!digest || ::lstat(repository.object(*digest).c_str(), &st) != 0) continue;
            ++out.objects;
            out.stored_bytes += static_cast<std::uint64_t>(st.st_size);
            if (live.contains(*digest)) continue;
            ++out.unreferenced_objects;
            out.unreferenced_bytes += static_cast<std::uint64_t>(st.st_size);
        }
    return out;
}

/// What was exported of a snapshot: the ledger's lines of it, oldest first. Throws: io.
inline std::vector<Json> read_exports(const Repository& repository, const std::string& id) {
    std::vector<Json> exports;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event != "exported" || line.snapshot != id) return;
        Json one = line.json;
        for (const char* known : {"event", "snapshot", "previous"}) one.erase(known);
        exports.push_back(std::move(one));
    });
    return exports;
}

}  // namespace holdfast::ops
