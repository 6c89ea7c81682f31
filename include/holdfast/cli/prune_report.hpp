// cli/prune_report.hpp - plans as TSV or JSON, read back again, and what a prune says it did.
//
// A plan is a comment line with the repository and the state of the catalog, then for each snapshot: id, keep or remove,
// reason, bytes that its removal frees. An edited plan removes less if lines are changed to keep or left out.
#pragma once

#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/prune.hpp"

namespace holdfast::cli {

namespace detail {

inline constexpr std::string_view kPlanTitle = "# holdfast prune plan";
inline constexpr std::uint64_t kMaxPlanBytes = 64_MiB;

inline const char* verdict_word(const ops::PlannedSnapshot& s) { return s.keep ? "keep" : "remove"; }

inline Json plan_json(const Repository& repository, const ops::PrunePlan& plan) {
    Json json = {{"repository", repository.id()}, {"catalog", plan.catalog}, {"snapshots", Json::array()}};
    for (const ops::PlannedSnapshot& s : plan.snapshots)
        json["snapshots"].push_back({{"id", s.id},
                                     {"verdict", verdict_word(s)},
                                     {"reason", json_text(s.reason)},
                                     {"frees_bytes", s.frees_bytes}});
    json["leaving_trash"] = Json::array();
    for (const TrashEntry& e : plan.leaving) json["leaving_trash"].push_back(e.id);
    json["leaving_trash_bytes"] = plan.leaving_bytes;
    return json;
}

inline ops::ApprovedPlan parse_json_plan(const std::string& text) {
    const Json json = parse_json(text, "the plan");
    const JsonFields fields(json, "the plan");
    ops::ApprovedPlan plan{fields.text("repository"), fields.text("catalog"), {}};
    const Json* snapshots = fields.find("snapshots");
    if (snapshots == nullptr || !snapshots->is_array()) fields.fail("snapshots", "is not a list");
    for (const Json& snapshot : *snapshots) {
        const JsonFields one(snapshot, "the plan");
        const std::string verdict = one.text("verdict");
        if (verdict == "remove")
            plan.removals.insert(one.text("id"));
        else if (verdict != "keep")
            one.fail("verdict", "is neither keep nor remove");
    }
    return plan;
}

/// What somebody who prunes should know.
inline void warn_about_plan(const ops::PrunePlan& plan) {
    std::string sources;
    for (const std::string& source : plan.unconfigured)
        sources += (sources.empty() ? "" : ", ") + in_quotes(source);
    if (!sources.empty())
        say("prune", "note",
            "not in this configuration: " + sources + "; their snapshots age even if no newer ones come");
    if (!plan.damaged.empty())
        say("prune", "warning",
            std::to_string(plan.damaged.size()) +
                " of the kept snapshots were found damaged, the newest is " + plan.damaged.back() +
                "; verify says what is lost, prune --forget ID gives one up");
}

}  // namespace detail

inline std::string format_plan(const Repository& repository, const ops::PrunePlan& plan) {
    std::string out = std::string(detail::kPlanTitle) + "\t" + repository.id() + "\t" + plan.catalog + "\n";
    for (const ops::PlannedSnapshot& s : plan.snapshots)
        out += tsv_line({s.id, detail::verdict_word(s), s.reason, std::to_string(s.frees_bytes)});
    return out;
}

/// Throws: usage (it is no plan).
inline ops::ApprovedPlan parse_plan(const std::string& text) {
    const auto fail = [](const std::string& why) {
        throw Error(Kind::usage, "this is not a plan: " + why, "make one with: prune --plan >plan.tsv");
    };
    if (text.starts_with('{')) {
        try {
            return detail::parse_json_plan(text);
        } catch (const Error& e) {
            fail(e.what());
        }
    }
    ops::ApprovedPlan plan;
    bool has_title = false;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto cells = split(line, '\t');
        if (line.starts_with(detail::kPlanTitle) && cells.size() == 3) {
            plan.repository = cells[1];
            plan.catalog = cells[2];
            has_title = true;
        } else if (!line.empty() && !line.starts_with('#')) {
            if (cells.size() < 2 || !is_snapshot_id(cells[0]) || (cells[1] != "keep" && cells[1] != "remove"))
                fail("a line says " + in_quotes(line.substr(0, 80)));
            if (cells[1] == "remove") plan.removals.insert(std::string(cells[0]));
        }
    }
    if (!has_title) fail("its first line, which says what it is for, is missing");
    return plan;
}

/// From a file or, for "-", from standard input. Throws: usage, io.
inline ops::ApprovedPlan read_plan(const std::string& path) {
    const UniqueFd file{path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) throw OsError(errno, "open plan " + in_quotes(path), "make one with: prune --plan >plan.tsv");
    std::string text(detail::kMaxPlanBytes + 1, '\0');
    text.resize(read_full(file.get(), std::as_writable_bytes(std::span(text)), "read the plan"));
    if (text.size() > detail::kMaxPlanBytes)
        throw Error(Kind::usage, "the plan is larger than " + format_bytes(detail::kMaxPlanBytes));
    return parse_plan(text);
}

inline void print_plan(const Repository& repository, const ops::PrunePlan& plan, const CommonFlags& flags) {
    if (flags.json) return print_json(detail::plan_json(repository, plan));
    print(format_plan(repository, plan));
}

/// For people: the same as a table.
inline void print_dry_run(const Repository& repository, const ops::PrunePlan& plan,
                          const CommonFlags& flags) {
    if (flags.json) return print_json(detail::plan_json(repository, plan));
    Table table({{"ID"}, {"VERDICT"}, {"FREES", Align::right}, {"REASON"}});
    for (const ops::PlannedSnapshot& s : plan.snapshots)
        table.add({s.id, detail::verdict_word(s), s.keep ? "" : format_bytes(s.frees_bytes), s.reason});
    for (const TrashEntry& e : plan.leaving) table.add({e.id, "empty", "", "leaves the trash"});
    print(table.text());
    if (flags.quiet) return;
    const std::size_t removed = plan.removals().size();
    say("prune", "note",
        "dry run, nothing is removed: would keep " + std::to_string(plan.snapshots.size() - removed) +
            " snapshots, move " + std::to_string(removed) + " to the trash (" +
            format_bytes(plan.frees_bytes()) + " are theirs alone), and empty " +
            std::to_string(plan.leaving.size()) + " from it (" + format_bytes(plan.leaving_bytes) + ")");
    detail::warn_about_plan(plan);
}

/// Standard output: the ids that were removed.
inline void print_prune_report(const Repository& repository, const ops::PruneReport& report,
                               const CommonFlags& flags) {
    if (flags.json) {
        Json json = {{"repository", repository.id()},
                     {"kept", report.kept},
                     {"trashed", report.trashed},
                     {"gone", report.gone},
                     {"objects", report.objects},
                     {"freed_bytes", report.freed_bytes},
                     {"trash_bytes", report.plan.trash_bytes},
                     {"notes", Json::array()},
                     {"failures", Json::array()},
                     {"failure_count", report.failure_count}};
        for (const std::string& note : report.notes) json["notes"].push_back(json_text(note));
        for (const std::string& why : report.failures) json["failures"].push_back(json_text(why));
        print_json(json);
    } else {
        for (const std::string& id : report.trashed) print_line(id);
    }
    for (const std::string& why : report.failures) say("prune", "error", why);
    if (report.failure_count != 0)
        say("prune", "hint",
            std::to_string(report.failure_count) +
                " things that no snapshot needs are still there; when that is mended, prune again");
    if (flags.quiet) return;
    for (const std::string& note : report.notes) say("prune", "note", note);
    detail::warn_about_plan(report.plan);
    say("prune", "note",
        "kept " + std::to_string(report.kept) + ", moved " + std::to_string(report.trashed.size()) +
            " to the trash, emptied " + std::to_string(report.gone.size()) + " from it; freed " +
            format_bytes(report.freed_bytes) + " in " + std::to_string(report.objects) + " objects");
    if (report.plan.trash_bytes > 0)
        say("prune", "note",
            "the trash holds " + format_bytes(report.plan.trash_bytes) +
                "; prune --undelete ID brings a snapshot back, prune --empty-trash frees it now");
}

}  // namespace holdfast::cli
