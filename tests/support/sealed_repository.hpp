// support/sealed_repository.hpp - a sealed repository, written to without a key, and proof that it can be read with one.
#pragma once

#include <doctest/doctest.h>

#include "holdfast/ops/restore.hpp"
#include "holdfast/ops/verify.hpp"
#include "support/repository.hpp"

namespace holdfast::testing {

inline constexpr const char* kRows =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 "
    "FROM n WHERE x<20000) INSERT INTO t SELECT x, hex(randomblob(50)) FROM n;";

/// For who does not open it.
inline constexpr const char* kWrapped = "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n";

struct SealedRepository {
    TempDir dir;
    NewSealKey pair = make_seal_key("test");
    Repository repository =
        ops::init(dir / "repo", ops::SealKeys{pair.certificate_pem, kWrapped, pair.fingerprint});
    int unlocked = 0;

    Repository with_key() {
        return Repository::open(dir / "repo", [this](const Digest& certificate) {
            ++unlocked;
            CHECK(certificate == pair.fingerprint);
            return SecretBytes(pair.key_pem.view());
        });
    }
    SourceConfig source(const std::string& name, SourceKind kind) const {
        SourceConfig s;
        s.name = name;
        s.kind = kind;
        s.paths = {(dir / (kind == SourceKind::sqlite ? name + ".db" : name)).string()};
        s.source_class = kind == SourceKind::sqlite ? SourceClass::database : SourceClass::data;
        return s;
    }
    bool private_names = false;
    ops::SnapReport snap(std::vector<SourceConfig> sources,
                         double retire_below = ops::SnapOptions{}.retire_below) const {
        ops::SnapOptions options;
        options.sources = std::move(sources);
        options.level = 1;
        options.private_names = private_names;
        options.retire_below = retire_below;
        return ops::snap(Repository::open(dir / "repo"), options);  // as another process
    }
    /// Restores with the key, compares the database, verifies deeply.
    void prove(const Manifest& m) {
        const Repository opened = with_key();
        fs::remove_all(dir / "restored");
        ops::RestoreOptions restore;
        restore.target = dir / "restored";
        ops::restore(opened, read_checked_manifest(opened, m.id), restore);
        for (const Component& c : m.components)
            if (c.kind == "sqlite") CHECK(dir.read("restored/" + c.name) == dir.read(c.name + ".db"));
        ops::VerifyOptions verify;
        verify.ids = {m.id};
        verify.deep = true;
        const ops::VerifyReport report = ops::verify(opened, verify);
        for (const ops::Finding& f : report.findings) FAIL(f.component, " ", f.item, " ", f.what);
    }
};

}  // namespace holdfast::testing
