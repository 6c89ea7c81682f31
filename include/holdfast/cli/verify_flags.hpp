// cli/verify_flags.hpp - what verify is to look at, from its command line.
#pragma once

#include <string>
#include <vector>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/ops/verify_report.hpp"

namespace holdfast::cli {

struct VerifyFlags {
    std::vector<std::string> names;
    std::string staging;
    std::string sample;
    std::string budget;
    ops::VerifyOptions options;
};

inline void add_verify_flags(CLI::App& app, VerifyFlags& flags) {
    app.add_option("SNAPSHOT", flags.names, std::string(kSnapshotHelp) + " (latest)");
    app.add_flag("--deep", flags.options.deep,
                 "put every stream together; check databases, files and Delta tables");
    app.add_flag("--all", flags.options.all, "every snapshot");
    add_text(app, "--sample", flags.sample, "SHARE",
             "only so much by chance, such as 5%: of the objects and, with --deep, of the components");
    add_text(app, "--budget", flags.budget, "SIZE|DURATION",
             "the part of everything that was unverified longest, such as 10GB or 30m");
    app.add_flag("--quarantine", flags.options.quarantine,
                 "move damaged objects to quarantine/; the next snap stores their content anew");
    add_text(app, "--staging", flags.staging, "DIR",
             "where --deep restores databases to check them (the repository's tmp folder)");
}

namespace detail {

/// "5%" or "0.5%". Throws: usage.
inline double parse_sample(const std::string& text) {
    const auto share = parse_percent(text);
    if (!share || *share <= 0)
        throw Error(Kind::usage, "--sample: not a share: " + in_quotes(text),
                    "write 5%, or another share up to 100%");
    return *share;
}

/// "10GB" or "30m": a lower-case m is minutes, as in every duration. Throws: usage.
inline ops::Budget parse_budget(const std::string& text) {
    ops::Budget budget;
    budget.time = parse_duration(text);
    if (!budget.time) budget.bytes = parse_bytes(text);
    if (budget.time || budget.bytes) return budget;
    throw Error(Kind::usage, "--budget: neither a size nor a duration: " + in_quotes(text),
                "write 10GB or 30m");
}

}  // namespace detail

/// Throws: usage, and what finding a snapshot by its name throws.
inline ops::VerifyOptions verify_options(const VerifyFlags& flags, const Repository& repository) {
    ops::VerifyOptions options = flags.options;
    const auto refuse = [](const std::string& what) {
        throw Error(Kind::usage, what + " do not go together", "leave out one of the two");
    };
    if (options.all && !flags.names.empty()) refuse("--all and a snapshot's name");
    if (!flags.budget.empty() && !flags.names.empty()) refuse("--budget and a snapshot's name");
    if (!flags.budget.empty() && !flags.sample.empty()) refuse("--budget and --sample");
    if (!flags.sample.empty()) options.share = detail::parse_sample(flags.sample);
    if (!flags.budget.empty()) options.budget = detail::parse_budget(flags.budget);
    options.staging = flags.staging;
    if (options.all || options.budget) return options;
    const std::vector<std::string> names =
        flags.names.empty() ? std::vector<std::string>{"latest"} : flags.names;
    for (const std::string& name : read_names(names)) options.ids.push_back(snapshot_id(repository, name));
    return options;
}

}  // namespace holdfast::cli
