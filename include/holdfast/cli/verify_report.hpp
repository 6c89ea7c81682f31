// cli/verify_report.hpp - what verify prints: a line per finding for programs, a summary for people.
#pragma once

#include <set>
#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/verify.hpp"

namespace holdfast::cli {

inline void print_verify_report(const ops::VerifyReport& report, const CommonFlags& flags) {
    Json json = {{"snapshots", report.snapshots},
                 {"objects", report.objects},
                 {"stored_bytes", report.bytes},
                 {"result", report.exit_code() == 0             ? "ok"
                            : report.has(ops::Severity::damage) ? "damaged"
                                                                : "warnings"},
                 {"findings", Json::array()}};
    std::set<std::string> damaged;
    for (const ops::Finding& f : report.findings) {
        if (f.severity == ops::Severity::damage) damaged.insert(f.snapshot);
        json["findings"].push_back({{"severity", ops::severity_name(f.severity)},
                                    {"snapshot", f.snapshot},
                                    {"component", f.component},
                                    {"item", json_text(f.item)},
                                    {"what", json_text(f.what)}});
        if (!flags.json)
            print(tsv_line({ops::severity_name(f.severity), f.snapshot, f.component, f.item, f.what}));
    }
    if (flags.json) print_json(json);
    if (!flags.quiet)
        for (const std::string& note : report.notes) say("verify", "note", note);
    const std::string looked_at = std::to_string(report.snapshots.size()) + " snapshots, " +
                                  std::to_string(report.objects) + " objects, " + format_bytes(report.bytes);
    if (report.has(ops::Severity::damage)) {
        say("verify", "error",
            std::to_string(report.findings.size()) + " findings in " + looked_at +
                "; damaged: " + std::to_string(damaged.size()));
        say("verify", "hint",
            "the snapshots not listed are whole; move a damaged object to quarantine/ and the next snap "
            "stores its content anew from the source");
    } else if (!flags.quiet) {
        say("verify", "note",
            (report.findings.empty() ? "no damage in " : "no damage, but warnings, in ") + looked_at);
    }
}

}  // namespace holdfast::cli
