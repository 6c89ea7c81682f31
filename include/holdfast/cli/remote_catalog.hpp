// cli/remote_catalog.hpp - catalog --remote: what another place holds. offsite.sh looks, as only scripts speak to remotes.
#pragma once

#include <unistd.h>

#include "holdfast/cli/catalog_list.hpp"
#include "holdfast/cli/flags.hpp"

namespace holdfast::cli {

inline void add_part_flags(CLI::App& app, CatalogFlags& flags) {
    const auto add = [&](const char* name, std::vector<std::string>& out, const char* type,
                         const char* help) {
        app.add_option(name, out, help)->type_name(type)->expected(1)->take_all();
    };
    add("--path", flags.globs, "GLOB", "files, objects: only these paths; repeatable");
    add("--component", flags.components, "NAME", "objects: only this component; repeatable");
    app.add_flag("--recipes", flags.recipes, "objects: only those that say which others are needed");
    add_text(app, "--remote", flags.remote, "NAME", "list: what this [[remote]] of the configuration holds");
    app.add_flag("--hosts", flags.hosts, "with --remote: the newest snapshot of each host there");
}

/// offsite.sh of the tree that this program lies in: installed beside it, or two folders up. Throws: config.
inline std::string offsite_script() {
    std::error_code error;
    const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const fs::path& scripts : {here / "scripts", here / "../../scripts"})
        if (fs::exists(scripts / "offsite.sh", error)) return (scripts / "offsite.sh").string();
    throw Error(Kind::config, "offsite.sh was not found near " + in_quotes(here.string()),
                "run it yourself: offsite.sh status --hosts");
}

/// Becomes offsite.sh. Throws: usage, config, io.
[[noreturn]] inline void run_remote_catalog(const CatalogFlags& flags, const CommonFlags& common) {
    if (flags.remote.empty())
        throw Error(Kind::usage, "--hosts needs --remote", "catalog --remote nas --hosts");
    const std::string script = offsite_script();
    std::vector<std::string> words = {"offsite.sh", "status", flags.remote,
                                      flags.hosts ? "--hosts" : "--snapshots"};
    if (!common.config.empty()) words.insert(words.end(), {"--config", common.config});
    if (!common.repo.empty()) words.insert(words.end(), {"--path", common.repo});
    if (flags.chosen(common) == Format::json) words.emplace_back("--json");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(script.c_str(), argv.data());
    throw OsError(errno, "run " + in_quotes(script));
}

}  // namespace holdfast::cli
