// cli/rebuild_flags.hpp - restore --from-export: a database out of the files of an export.
#pragma once

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/rebuild.hpp"

namespace holdfast::cli {

struct RebuildFlags {
    std::string from, schema;
};

inline void add_rebuild_flags(CLI::App& app, RebuildFlags& f, CLI::Option* target) {
    auto* from = add_text(app, "--from-export", f.from, "DIR",
                          "make the database --target FILE out of an export, or of CSV and JSON files")
                     ->needs(target);
    add_text(app, "--schema", f.schema, "FILE",
             "--from-export without export.json: CREATE statements instead of guessed types")
        ->needs(from);
}

/// Returns the exit code.
inline int run_rebuild(const RebuildFlags& f, const std::string& snapshot, const std::string& target,
                       bool overwrite, const CommonFlags& flags) {
    if (!snapshot.empty())
        throw Error(Kind::usage, "SNAPSHOT and --from-export exclude each other",
                    "say only where the data is from");
    ops::RebuildOptions options;
    options.from = f.from;
    options.target = target;
    options.schema = f.schema;
    if (overwrite) options.existing = ops::RestoreOptions::Existing::replace;
    options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
    const ops::RebuildReport report = ops::rebuild(options);
    for (const std::string& missing : report.missing) say("restore", "warning", missing);
    Json json = {{"target", json_text(target)}, {"tables", Json::array()}, {"missing", Json::array()}};
    Table table({{"TABLE"}, {"ROWS", Align::right}, {"FILE"}});
    for (const ops::RebuiltTable& t : report.tables) {
        table.add({t.table, std::to_string(t.rows), t.file});
        json["tables"].push_back(
            {{"table", json_text(t.table)}, {"rows", t.rows}, {"file", json_text(t.file)}});
    }
    for (const std::string& missing : report.missing) json["missing"].push_back(json_text(missing));
    if (flags.json)
        print_json(json);
    else if (!flags.quiet)
        print(table.text());
    return report.missing.empty() ? 0 : static_cast<int>(Kind::partial);
}

}  // namespace holdfast::cli
