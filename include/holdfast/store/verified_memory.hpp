// store/verified_memory.hpp - when this host last proved each object and component.
//
// A small database beside the state file. Only an aid: lost or damaged it begins anew, and then everything
// counts as never verified; trouble() says why if it cannot be used, and nothing fails for it. Used by one
// thread.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "holdfast/base/clock.hpp"
#include "holdfast/store/state_file.hpp"
#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

inline fs::path verified_path(const Repository& repository) {
    return state_path(repository).replace_extension(".verified.db");
}

/// A component has no name of its own across snapshots.
inline Digest component_key(const std::string& snapshot, const std::string& component) {
    return sha256(snapshot + "/" + component);
}

class VerifiedMemory {
public:
    /// Times after `now` are not believed.
    VerifiedMemory(const fs::path& path, SystemSeconds now) : path_(path) {
        try {
            make_directories(path.parent_path());
            try {
                load(now);
            } catch (const Error& e) {
                if (e.kind() != Kind::corrupt) throw;
                begin_anew(e);
                load(now);
            }
        } catch (const std::exception& e) {
            db_.reset();
            trouble_ = e.what();
        }
    }

    /// Nothing was remembered: the first run, or what there was is lost.
    bool is_fresh() const { return is_fresh_; }
    const std::string& trouble() const { return trouble_; }

    /// When `key` was proven last; nothing if never, or if it was found bad since.
    std::optional<SystemSeconds> find(const Digest& key) const {
        const auto at = times_.find(key);
        return at == times_.end() || at->second.is_bad ? std::nullopt : std::optional{at->second.when};
    }
    /// When it was looked at last, whatever was found: lasting damage waits its turn like the rest.
    std::optional<SystemSeconds> looked_at(const Digest& key) const {
        const auto at = times_.find(key);
        return at == times_.end() ? std::nullopt : std::optional{at->second.when};
    }
    void set(const Digest& key, SystemSeconds when) {
        times_[key] = {when, false};
        changed_.insert(key);
    }
    void set_bad(const Digest& key, SystemSeconds when) {
        times_[key] = {when, true};
        changed_.insert(key);
    }
    void forget(const Digest& key) {
        if (times_.erase(key) != 0) changed_.insert(key);
    }
    void forget_all_but(const std::set<Digest>& keys) {
        std::erase_if(times_, [&](const auto& row) {
            if (!keys.contains(row.first)) changed_.insert(row.first);
            return !keys.contains(row.first);
        });
    }

    /// Keeps what changed since the last time. A failure is in trouble().
    void save() {
        if (!db_ || changed_.empty()) return;
        try {
            db_->execute("BEGIN IMMEDIATE");
            Statement put = db_->prepare("INSERT OR REPLACE INTO unit VALUES(?1, ?2)");
            Statement remove = db_->prepare("DELETE FROM unit WHERE key = ?1");
            for (const Digest& key : changed_) {
                const auto at = times_.find(key);
                Statement& q = at != times_.end() ? put : remove;
                q.reset();
                q.bind(1, ByteSpan(key.bytes));
                if (at != times_.end()) {  // a negative time: it was bad then
                    const std::int64_t seconds = at->second.when.time_since_epoch().count();
                    q.bind(2, at->second.is_bad ? -seconds : seconds);
                }
                q.step();
            }
            db_->execute("COMMIT");
            changed_.clear();
        } catch (const Error& e) {
            db_->roll_back();
            db_.reset();
            trouble_ = e.what();
            if (e.kind() == Kind::corrupt) remove_files();
        }
    }

private:
    void load(SystemSeconds now) {
        db_.emplace(Database::open_cache(path_.string()));
        db_->execute("PRAGMA synchronous=NORMAL");
        is_fresh_ = db_->query_integer("PRAGMA user_version") != 1;
        if (is_fresh_)
            db_->execute(
                "BEGIN IMMEDIATE; DROP TABLE IF EXISTS unit;"
                "CREATE TABLE unit(key BLOB PRIMARY KEY, verified_utc_s INTEGER NOT NULL) WITHOUT ROWID;"
                "PRAGMA user_version=1; COMMIT;");
        Statement q = db_->prepare("SELECT key, verified_utc_s FROM unit");
        while (q.step()) {
            const ByteSpan key = q.blob(0);
            const bool is_bad = q.integer(1) < 0;
            const SystemSeconds when{std::chrono::seconds{is_bad ? -q.integer(1) : q.integer(1)}};
            Digest digest;
            if (key.size() != digest.bytes.size() || when > now) continue;
            std::copy(key.begin(), key.end(), digest.bytes.begin());
            times_[digest] = {when, is_bad};
        }
    }
    void begin_anew(const Error& e) {
        db_.reset();
        times_.clear();
        trouble_ = e.what();
        remove_files();
    }
    void remove_files() const {
        for (const char* suffix : {"", "-journal"}) {
            std::error_code ignored;
            fs::remove(path_.string() + suffix, ignored);
        }
    }

    fs::path path_;
    std::optional<Database> db_;
    bool is_fresh_ = false;
    std::string trouble_;
    struct Look {
        SystemSeconds when{};
        bool is_bad = false;
    };
    std::unordered_map<Digest, Look, DigestHash> times_;
    std::set<Digest> changed_;
};

}  // namespace holdfast
