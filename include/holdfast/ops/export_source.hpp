// ops/export_source.hpp - the database that an export reads: one component of a snapshot, or a live file.
//
// A snapshot's image is read out of the repository's objects, nothing is restored to disk; every byte is proven. A live file
// is read in one read transaction and left as it was. Either way the connection is hardened, and stops at signals and at the
// time limit.
#pragma once

#include <memory>

#include "holdfast/ops/choose_components.hpp"
#include "holdfast/source/sqlite_image.hpp"
#include "holdfast/store/component_file.hpp"
#include "holdfast/wrap/sqlite_authorizer.hpp"
#include "holdfast/wrap/sqlite_reader.hpp"

namespace holdfast::ops {

/// The one database that is meant. Throws: not_found, usage (there are several).
inline const Component& choose_database(const Manifest& manifest, const ComponentChoice& choice) {
    std::vector<const Component*> databases;
    std::string names;
    for (const Component* c : choose_components(manifest, choice)) {
        if (c->kind != "sqlite") continue;
        databases.push_back(c);
        names += (names.empty() ? "" : ", ") + in_quotes(c->name);
    }
    if (databases.empty())
        throw Error(Kind::not_found, "snapshot " + manifest.id + " holds no SQLite database of that name",
                    "catalog show " + manifest.id + " lists what it holds");
    if (databases.size() > 1)
        throw Error(
            Kind::usage,
            "snapshot " + manifest.id + " holds " + std::to_string(databases.size()) + " databases: " + names,
            "export one at a time: name it with --source or --component");
    return *databases[0];
}

class ExportSource {
public:
    /// What is given must outlive this. Throws: corrupt, io.
    ExportSource(const Repository& repository, const Manifest& manifest, const Component& component)
        : name_("database " + in_quotes(component.name) + " of snapshot " + manifest.id),
          bytes_(component.bytes) {
        objects_ = std::make_unique<ObjectReader>(repository);
        file_ = std::make_unique<ComponentFile>(repository, *objects_, component);
        image_ = std::make_unique<SqliteReader>(
            component.bytes,
            [this](std::uint64_t offset, std::span<std::byte> out) { file_->read(offset, out); });
        try {
            snapshot_ = std::make_unique<Database>(image_->open());
            snapshot_->execute("BEGIN");
        } catch (const SqliteError& e) {
            rethrow(e);
        }
    }
    /// Throws: not_found, busy, corrupt, io.
    ExportSource(const std::string& path, const fs::path& staging, std::chrono::milliseconds busy_timeout)
        : name_("database " + in_quotes(path)) {
        live_ = std::make_unique<SqliteImage>(path, SqliteImageOptions{busy_timeout, staging});
        live_->database().harden();  // a private copy was opened to be recovered
        bytes_ = live_->bytes();
    }
    ExportSource(const ExportSource&) = delete;
    ExportSource& operator=(const ExportSource&) = delete;

    Database& db() { return snapshot_ ? *snapshot_ : live_->database(); }
    const std::string& name() const { return name_; }
    std::uint64_t bytes() const { return bytes_; }

    void set_time_limit(std::optional<std::chrono::seconds> limit) {
        // A record is not longer than its file; what is computed from one may be, a little.
        db().limit_values(4 * bytes_ + 16_MiB);
        limit_ = limit;
        deadline_.emplace(limit ? std::chrono::milliseconds(*limit) : std::chrono::milliseconds(0));
        db().set_progress([this] { return is_interrupted() || is_late(); });
    }

    /// What a query's failure means: the object that is damaged, the time that is over, or SQLite's own words, about `table` if one
    /// is named.
    [[noreturn]] void rethrow(const SqliteError& e, const std::string& table = {}) {
        const std::string name = name_ + (table.empty() ? "" : ", table " + in_quotes(table));
        if (image_) image_->rethrow();
        check_interrupted();
        if (is_late())
            throw Error(Kind::refused, name_ + ": the export took longer than " + format_duration(*limit_),
                        "allow more with --time-limit, or export less: --table, --where, --limit");
        if (e.kind() == Kind::corrupt)
            throw Error(
                Kind::corrupt, name + " is damaged: " + e.what(),
                "--salvage exports the tables that are whole; an older snapshot may have all of them");
        const bool is_left_out = !table.empty() && is_of_definition(e);
        throw Error(e.kind(), name + ": " + e.what(),
                    is_left_out ? "--salvage leaves it out and exports the others" : e.hint());
    }

    /// Does a table's own definition fail, for a function or collation that only the application has?
    static bool is_of_definition(const SqliteError& e) { return (e.code() & 0xFF) == SQLITE_ERROR; }

private:
    bool is_late() const { return limit_ && deadline_->has_passed(); }

    std::string name_;
    std::uint64_t bytes_ = 0;
    std::optional<std::chrono::seconds> limit_;
    std::optional<Deadline> deadline_;
    std::unique_ptr<ObjectReader> objects_;
    std::unique_ptr<ComponentFile> file_;
    std::unique_ptr<SqliteReader> image_;
    std::unique_ptr<Database> snapshot_;
    std::unique_ptr<SqliteImage> live_;
};

}  // namespace holdfast::ops
