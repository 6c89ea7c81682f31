// cli/kit_files.hpp - the recovery kit in a folder: the page to print, and as files what it tells.
#pragma once

#include "holdfast/cli/kit_page.hpp"
#include "holdfast/ops/check_keys.hpp"

namespace holdfast::cli {

namespace detail {

/// A kit on the shelf is what others are compared with. Throws: refused (it has other keys).
inline void refuse_other_kit(const fs::path& place, const ops::KitFacts& facts) {
    std::map<std::string, const ops::KitKey*> keys;
    for (const ops::KitKey& key : facts.keys) keys[key.certificate.hex() + ".key.asc"] = &key;
    const auto before = read_file_if_any(place / "format.json", 64_KiB);
    if (before && *before != facts.format_json)
        throw Error(Kind::refused,
                    "the recovery kit " + in_quotes(place.string()) +
                        " is of another certificate or repository; nothing was written",
                    "if the key was rotated on purpose, a new kit goes into a new folder");
    if (!fs::is_directory(place / "keys")) return;
    for (const std::string& name : list_directory(place / "keys")) {
        if (!name.ends_with(".key.asc")) continue;
        const auto at = keys.find(name);
        if (at != keys.end() && read_file(place / "keys" / name, kMaxKeyText) == at->second->wrapped)
            continue;
        throw Error(Kind::refused,
                    "the recovery kit " + in_quotes(place.string()) + " has another " + in_quotes(name) +
                        " than the repository; nothing was written",
                    "find out which of the two is right; a new kit goes into a new folder");
    }
}

}  // namespace detail

/// Files of an earlier kit of the same keys are replaced. Returns the page's path. Throws: refused (inside the repository, over a
/// kit of other keys, or the repository is not what this host knows), crypto, io.
inline fs::path write_recovery_kit(const Repository& repository, const fs::path& folder,
                                   const std::optional<Digest>& expected = std::nullopt) {
    const fs::path place = fs::weakly_canonical(fs::absolute(folder));
    const fs::path way = place.lexically_relative(fs::canonical(repository.root()));
    if (!way.empty() && *way.begin() != "..")
        throw Error(
            Kind::refused, "the recovery kit would lie inside the repository, " + in_quotes(place.string()),
            "it is for the day when that is all there is, or all that is lost: choose another folder");
    if (const auto why = ops::contradicts_pin(repository, expected)) throw *why;
    if (const ops::KeyTrouble trouble = ops::check_keys(repository, expected); !trouble.damage.empty())
        throw Error(Kind::crypto, "no recovery kit was written: " + trouble.damage.front(),
                    "put keys/ back from another copy of the repository or from an earlier kit");
    const ops::KitFacts facts = ops::gather_kit(repository, now_utc());
    detail::refuse_other_kit(place, facts);
    make_directories(place);
    if (!facts.keys.empty()) make_directory(place / "keys");
    for (const ops::KitKey& key : facts.keys) {
        publish_file(certificate_path(place, key.certificate), as_bytes(key.certificate_pem));
        publish_file(wrapped_key_path(place, key.certificate), as_bytes(key.wrapped));
    }
    publish_file(place / "format.json", as_bytes(facts.format_json));
    publish_file(place / "RECOVER.md", as_bytes(ops::kRecoverMd));
    publish_file(place / "recover.sh", as_bytes(ops::kRecoverSh), 0700);
    const fs::path page = place / "recovery-kit.html";
    publish_file(page, as_bytes(kit_page(facts)));
    return page;
}

}  // namespace holdfast::cli
