// ops/init.hpp - makes a repository, or finishes one whose making was interrupted.
//
// format.json comes last, so a folder is a repository or it is not. A folder with anything foreign in it is refused.
#pragma once

#include <set>
#include <string>

#include "holdfast/base/clock.hpp"
#include "holdfast/ops/check_certificate.hpp"
#include "holdfast/ops/recovery_kit.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast::ops {

namespace detail {

inline void refuse_foreign_files(const fs::path& root) {
    static const std::set<std::string> kOurs = {"objects",      "snapshots", "tmp",        "trash",
                                                "quarantine",   "lock",      "RECOVER.md", "recover.sh",
                                                "ledger.jsonl", "keys",      "lost+found"};
    for (const std::string& name : list_directory(root))
        if (!kOurs.contains(name) && name.find(".tmp.") == std::string::npos)
            throw Error(Kind::refused,
                        in_quotes(root.string()) + " is not empty: it holds " + in_quotes(name),
                        "choose a new or empty folder for the repository");
}

/// Snapshots without a format.json are a repository that lost it: a new one over it would disown them all.
inline void refuse_headless_repository(const fs::path& root) {
    const bool has_snapshots =
        fs::is_directory(root / "snapshots") && !list_directory(root / "snapshots").empty();
    const auto ledger = read_file_if_any(root / "ledger.jsonl", 1_GiB);
    if (has_snapshots || (ledger && ledger->find("\"event\":\"snapshot\"") != std::string::npos))
        throw Error(
            Kind::refused,
            in_quotes(root.string()) + " holds snapshots but has lost its format.json; nothing was changed",
            "put format.json back from another copy: "
            "{\"format\":\"holdfast-repository\",\"version\":1,\"id\":…}, the id is in every manifest");
}

inline std::string new_repository_id() {
    const std::string hex = random_hex<16>();
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
           "-" + hex.substr(20);
}

}  // namespace detail

/// What a sealed repository begins with.
struct SealKeys {
    std::string certificate_pem;
    std::string wrapped_key;                // encrypted to people: wrap/gpg.hpp
    Digest fingerprint;                     // of the certificate
    std::vector<std::string> recipients{};  // fingerprints
};

/// The pair into keys/, durable. Throws: io.
inline void write_seal_keys(const fs::path& root, const SealKeys& keys) {
    make_directory(root / "keys");
    publish_file(certificate_path(root, keys.fingerprint), as_bytes(keys.certificate_pem));
    publish_file(wrapped_key_path(root, keys.fingerprint), as_bytes(keys.wrapped_key));
}

/// Throws: refused (already a repository, or foreign files), io.
inline Repository init(const fs::path& path, const std::optional<SealKeys>& keys = std::nullopt) {
    const fs::path root = fs::absolute(path).lexically_normal();
    make_directories(root);
    sync_directory(root.parent_path());  // also where a run that was killed had made it
    if (fs::exists(root / "format.json")) {
        Repository::open(root);
        throw Error(Kind::refused, in_quotes(root.string()) + " is already a repository",
                    "use it with: snap --repo " + in_quotes(root.string()));
    }
    detail::refuse_foreign_files(root);
    detail::refuse_headless_repository(root);
    if (::chmod(root.c_str(), 0700) != 0) throw_os("set the mode of " + in_quotes(root.string()));
    for (const char* folder : {"objects", "snapshots", "tmp", "trash", "quarantine"})
        make_directory(root / folder);
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const char high : std::string_view(kDigits))
        for (const char low : std::string_view(kDigits)) {
            const fs::path folder = root / "objects" / std::string{high, low};
            if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
                throw_os("create directory " + in_quotes(folder.string()));
            if (::chmod(folder.c_str(), 0700) != 0) throw_os("set the mode of " + in_quotes(folder.string()));
        }
    sync_directory(root / "objects");
    publish_file(root / "lock", {});
    publish_file(root / "ledger.jsonl", {});
    publish_file(root / "RECOVER.md", as_bytes(kRecoverMd));
    publish_file(root / "recover.sh", as_bytes(kRecoverSh), 0700);
    const std::string id = detail::new_repository_id();
    LedgerWriter(root / "ledger.jsonl", std::chrono::seconds{30}).append("created", "", {{"repository", id}});
    Json json = {{"format", kFormatName},
                 {"version", keys ? kSealedFormatVersion : kFormatVersion},
                 {"id", id},
                 {"created_utc", format_utc(now_utc())}};
    if (keys) {
        write_seal_keys(root, *keys);
        json["certificate"] = keys->fingerprint.hex();
        detail::write_pin({id, json_text(root.string()), keys->fingerprint, keys->recipients});
    }
    publish_file(root / "format.json", as_bytes(dump_json(json, 2) + "\n"));
    Repository repository = Repository::open(root);
    pin_certificate(repository, keys ? keys->recipients : std::vector<std::string>{});
    return repository;
}

}  // namespace holdfast::ops
