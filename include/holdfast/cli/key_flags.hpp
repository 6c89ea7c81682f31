// cli/key_flags.hpp - opening a repository for reading what is sealed in it.
#pragma once

#include <string>

#include "holdfast/cli/environment.hpp"
#include "holdfast/ops/unlock.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast::cli {

struct KeyFlags {
    std::string key_file;  // empty: $HOLDFAST_KEY_FILE, else gpg
};

inline CLI::Option* add_key_flags(CLI::App& app, KeyFlags& flags) {
    return add_text(
        app, "--key-file", flags.key_file, "FILE",
        "private keys of an encrypted repository, as gpg --decrypt prints each keys/*.key.asc; else "
        "$HOLDFAST_KEY_FILE, else gpg is asked");
}

inline std::string key_file(const KeyFlags& flags, const Lookup& lookup = process_environment) {
    return flags.key_file.empty() ? lookup("HOLDFAST_KEY_FILE").value_or("") : flags.key_file;
}

/// For tools that read content: a sealed repository is unlocked when the first of it is needed. Throws: what
/// Repository::open throws.
inline Repository open_repository(const Environment& env, const KeyFlags& flags) {
    return Repository::open(env.repository(), ops::make_unlocker(env.repository(), key_file(flags)));
}

}  // namespace holdfast::cli
