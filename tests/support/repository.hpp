// support/repository.hpp - a fresh repository and short ways to fill and read it.
#pragma once

#include "holdfast/ops/init.hpp"
#include "holdfast/ops/snap.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::testing {

struct TestRepository {
    TempDir dir;
    Repository repository = ops::init(dir / "repo");

    SourceConfig source(const std::string& name, SourceKind kind, const std::string& path) const {
        SourceConfig s;
        s.name = name;
        s.kind = kind;
        s.paths = {path};
        s.source_class = kind == SourceKind::sqlite ? SourceClass::database : SourceClass::data;
        return s;
    }
    ops::SnapReport snap(std::vector<SourceConfig> sources) const {
        ops::SnapOptions options;
        options.sources = std::move(sources);
        options.level = 1;
        return ops::snap(repository, options);
    }
    /// The file at target/<component>, restored.
    std::filesystem::path target() const { return dir / "restored"; }
};

inline void run_sql(const std::filesystem::path& path, const char* sql) {
    Database::open_cache(path.string()).execute(sql);
}

/// Deterministic bytes that do not compress.
inline Bytes noise(std::size_t size, std::uint64_t seed = 1) {
    Bytes out(size);
    for (std::byte& b : out) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        b = static_cast<std::byte>(seed >> 56);
    }
    return out;
}

}  // namespace holdfast::testing
