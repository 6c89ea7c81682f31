// cli/drill_json.hpp - a drill as JSON and as metrics for Prometheus.
#pragma once

#include <string>

#include "holdfast/ops/drill_report.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::cli {

namespace detail {

inline Json phases_json(const ops::PhaseSeconds& seconds) {
    Json out = Json::object();
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i) out[kDrillPhases[i]] = seconds[i];
    return out;
}

inline Json failure_json(const std::optional<ops::DrillFailure>& f) {
    if (!f) return nullptr;
    return {{"phase", kDrillPhases[static_cast<std::size_t>(f->phase)]},
            {"kind", kind_name(f->kind)},
            {"what", json_text(f->what)},
            {"hint", json_text(f->hint)}};
}

inline Json drilled_json(const ops::DrilledSource& s, SystemSeconds began) {
    Json checks = Json::array(), warnings = Json::array();
    for (const ops::CheckResult& c : s.checks)
        checks.push_back({{"component", c.component},
                          {"name", json_text(c.name)},
                          {"state", ops::word_for(c.state)},
                          {"detail", json_text(c.detail)}});
    for (const std::string& w : s.warnings) warnings.push_back(json_text(w));
    const bool has_snapshot = s.started != SystemSeconds{};
    Json out = {{"source", json_text(s.source)},
                {"result", s.has_passed() ? "passed" : "failed"},
                {"snapshot", s.snapshot.empty() ? Json(nullptr) : Json(json_text(s.snapshot))},
                {"state", s.state},
                {"signature", s.signature.empty() ? Json(nullptr) : Json(json_text(s.signature))},
                {"started_utc", has_snapshot ? Json(format_utc(s.started)) : Json(nullptr)},
                {"age_s", has_snapshot ? Json(s.age(began).count()) : Json(nullptr)},
                {"newest_utc", nullptr},
                {"newest_age_s", nullptr},
                {"seconds", phases_json(s.seconds)},
                {"total_s", ops::sum_of(s.seconds)},
                {"objects", s.objects},
                {"stored_bytes", s.stored_bytes},
                {"components", s.components},
                {"files", s.files},
                {"bytes", s.bytes},
                {"checks", checks},
                {"warnings", warnings},
                {"failure", failure_json(s.failure)}};
    if (const auto newest = s.newest()) {
        out["newest_utc"] = format_utc(*newest);
        out["newest_age_s"] = (began - *newest).count();
    }
    return out;
}

}  // namespace detail

inline Json drill_json(const ops::DrillReport& r) {
    Json out = {{"result", r.result()},
                {"exit_code", r.exit_code()},
                {"began_utc", format_utc(r.began)},
                {"repository", json_text(r.repository)},
                {"pick", r.pick},
                {"stock_tools", r.with_stock_tools},
                {"rehearsal", r.is_rehearsal},
                {"seconds", detail::phases_json(r.seconds)},
                {"total_s", r.total_s()},
                {"target", {{"total", r.config.total.count()}}},
                {"data_loss_s", r.data_loss ? Json(r.data_loss->count()) : Json(nullptr)},
                {"max_data_loss_s", r.config.max_data_loss.count()},
                {"missed", Json::array()},
                {"sources", Json::array()},
                {"start_failure", detail::failure_json(r.start_failure)},
                {"history", Json::array()},
                {"kept", r.kept.empty() ? Json(nullptr) : Json(json_text(r.kept))},
                {"notes", Json::array()}};
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (r.config.target[i]) out["target"][kDrillPhases[i]] = r.config.target[i]->count();
    for (const ops::MissedTarget& m : r.missed)
        out["missed"].push_back({{"what", m.what}, {"target_s", m.target_s}, {"actual_s", m.actual_s}});
    for (const ops::DrilledSource& s : r.sources) out["sources"].push_back(detail::drilled_json(s, r.began));
    for (const ops::PastDrill& p : r.history)
        out["history"].push_back(
            {{"time_utc", p.time_utc}, {"total_s", p.total_s}, {"passed", p.has_passed}});
    for (const std::string& note : r.notes) out["notes"].push_back(json_text(note));
    return out;
}

namespace detail {

/// One metric: its HELP and TYPE, then its samples.
class Metric {
public:
    Metric(const std::string& name, const std::string& help)
        : name_("holdfast_drill_" + name),
          text_("# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " gauge\n") {}

    Metric& add(const std::vector<std::pair<const char*, std::string>>& labels, double value) {
        std::string set;
        for (const auto& [key, text] : labels) {
            set += (set.empty() ? "" : ",") + std::string(key) + "=\"";
            for (const char c : printable(text))
                set += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
            set += '"';
        }
        char number[40];
        std::snprintf(number, sizeof number, "%.15g", value);
        text_ += name_ + (set.empty() ? "" : "{" + set + "}") + " " + number + "\n";
        return *this;
    }
    const std::string& text() const { return text_; }

private:
    std::string name_, text_;
};

inline std::string source_metrics(const ops::DrillReport& r) {
    Metric passed("source_passed", "1 if the source was restored and all its checks passed.");
    Metric phases("phase_seconds", "What each phase took for each source.");
    Metric rpo("rpo_seconds",
               "Age of the snapshot that was restored: the data that a disaster would have cost.");
    Metric newest("newest_row_age_seconds", "Age of the newest row, where a max_age check asks for it.");
    Metric bytes("restored_bytes", "Bytes restored.");
    for (const ops::DrilledSource& s : r.sources) {
        passed.add({{"source", s.source}}, s.has_passed() ? 1 : 0);
        for (std::size_t i = 0; i + 1 < kDrillPhases.size(); ++i)  // starting is about all sources
            phases.add({{"source", s.source}, {"phase", kDrillPhases[i]}}, s.seconds[i]);
        if (s.started != SystemSeconds{})
            rpo.add({{"source", s.source}}, static_cast<double>(s.age(r.began).count()));
        if (const auto at = s.newest())
            newest.add({{"source", s.source}}, static_cast<double>((r.began - *at).count()));
        bytes.add({{"source", s.source}}, static_cast<double>(s.bytes));
    }
    return passed.text() + phases.text() + rpo.text() + newest.text() + bytes.text();
}

}  // namespace detail

/// For node_exporter's textfile collector. The last success is remembered by the ledger, so a failed drill does not hide it.
inline std::string drill_metrics(const ops::DrillReport& r) {
    using detail::Metric;
    const auto stamp = [](SystemSeconds at) { return static_cast<double>(at.time_since_epoch().count()); };
    std::string out =
        Metric("last_run_timestamp_seconds", "When the last drill began.").add({}, stamp(r.began)).text();
    for (auto p = r.history.rbegin(); p != r.history.rend(); ++p) {
        const auto at = p->has_passed ? parse_utc(p->time_utc) : std::nullopt;
        if (!at) continue;
        out += Metric("last_success_timestamp_seconds",
                      "When the last drill began that passed and met its targets.")
                   .add({}, stamp(*at))
                   .text();
        break;
    }
    Metric targets("target_seconds", "How long each phase may take.");
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (r.config.target[i])
            targets.add({{"phase", kDrillPhases[i]}}, static_cast<double>(r.config.target[i]->count()));
    targets.add({{"phase", "total"}}, static_cast<double>(r.config.total.count()));
    return out +
           Metric("passed", "1 if every source was restored and every check passed.")
               .add({}, r.has_passed() ? 1 : 0)
               .text() +
           Metric("targets_missed", "How many targets of time or data loss were missed.")
               .add({}, static_cast<double>(r.missed.size()))
               .text() +
           Metric("total_seconds", "What the whole drill took.").add({}, r.total_s()).text() +
           Metric("start_seconds", "What starting on the restored data took.")
               .add({}, r.seconds[static_cast<std::size_t>(DrillPhase::start)])
               .text() +
           targets.text() + detail::source_metrics(r);
}

}  // namespace holdfast::cli
