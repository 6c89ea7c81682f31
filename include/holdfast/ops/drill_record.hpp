// ops/drill_record.hpp - the ledger lines of a drill, and the drills that were before it.
//
// One line for each snapshot that was used: "ok" if all of it was restored and every check passed, "part" if that is true of
// the sources that were drilled, "damaged", or "failed". The lines of one drill have its time in common.
#pragma once

#include <map>
#include <set>

#include "holdfast/ops/drill_report.hpp"
#include "holdfast/ops/newest_row.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

/// Oldest first. Throws: io.
inline std::vector<PastDrill> read_past_drills(const Repository& repository) {
    std::map<std::string, PastDrill> by_time;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event != "drilled") return;
        const JsonFields fields(line.json, "ledger line");
        const std::string time = fields.text("drill_utc");
        const Json* total = fields.find("total_s");
        by_time[time] = {time, total != nullptr && total->is_number() ? total->get<double>() : 0,
                         fields.text_or("drill_result", "") == "passed"};
    });
    std::vector<PastDrill> out;
    for (auto& [time, drill] : by_time) out.push_back(std::move(drill));
    return out;
}

/// `manifests` are those of the snapshots that were used. Throws: busy, corrupt, io.
inline void record_drill(const Repository& repository, const DrillReport& report,
                         const std::map<std::string, Manifest>& manifests, std::chrono::seconds lock_wait) {
    Json seconds = Json::object(), missed = Json::array();
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i) seconds[kDrillPhases[i]] = report.seconds[i];
    for (const MissedTarget& m : report.missed) missed.push_back(m.what);
    std::vector<LedgerWriter::Entry> lines;
    for (const auto& [id, manifest] : manifests) {
        std::set<std::string> whole, drilled;
        for (const Component& c : manifest.components) whole.insert(c.source);
        bool has_passed = true, is_damaged = false;
        NewestRows rows;
        for (const DrilledSource& s : report.sources) {
            if (s.snapshot != id) continue;
            drilled.insert(s.source);
            has_passed = has_passed && s.has_passed();
            is_damaged = is_damaged || s.is_damaged();
            for (const CheckResult& check : s.checks) note_newest_row(check, rows);
        }
        Json details = {{"drill_utc", format_utc(report.began)},
                        {"drill_result", report.result()},
                        {"result", is_damaged         ? "damaged"
                                   : !has_passed      ? "failed"
                                   : drilled == whole ? "ok"
                                                      : "part"},
                        {"sources", manifest.private_digest ? std::set<std::string>{} : drilled},
                        {"stock_tools", report.with_stock_tools},
                        {"seconds", seconds},
                        {"total_s", report.total_s()},
                        {"missed", missed}};
        if (report.data_loss) details["data_loss_s"] = report.data_loss->count();
        if (!rows.empty() && !manifest.private_digest) details[kNewestRowKey] = newest_rows_json(rows);
        lines.push_back({"drilled", id, details});
    }
    LedgerWriter(repository, lock_wait).append(lines);
}

}  // namespace holdfast::ops
