// cli/kit_files.hpp - the recovery kit in a folder: the page to print, and as files what it tells.
#pragma once

#include "holdfast/cli/kit_page.hpp"

namespace holdfast::cli {

/// Files of an earlier kit are replaced. Returns the page's path. Throws: refused (inside the repository), crypto, io.
inline fs::path write_recovery_kit(const Repository& repository, const fs::path& folder) {
    const fs::path place = fs::weakly_canonical(fs::absolute(folder));
    const fs::path way = place.lexically_relative(fs::canonical(repository.root()));
    if (!way.empty() && *way.begin() != "..")
        throw Error(
            Kind::refused, "the recovery kit would lie inside the repository, " + in_quotes(place.string()),
            "it is for the day when that is all there is, or all that is lost: choose another folder");
    const ops::KitFacts facts = ops::gather_kit(repository, now_utc());
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
