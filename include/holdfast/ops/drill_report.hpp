// ops/drill_report.hpp - what a drill measured and found, and what that means as an exit code.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/ops/check_result.hpp"
#include "holdfast/policy/drill_config.hpp"

namespace holdfast::ops {

using PhaseSeconds = std::array<double, kDrillPhases.size()>;  // by DrillPhase

inline double sum_of(const PhaseSeconds& seconds) {
    double sum = 0;
    for (const double s : seconds) sum += s;
    return sum;
}

struct DrillFailure {
    DrillPhase phase = DrillPhase::identify;
    Kind kind = Kind::internal;
    std::string what, hint;
};

struct DrilledSource {
    std::string source;
    std::string snapshot;   // empty: none was found
    std::string state;      // of the snapshot: complete, partial, suspect
    std::string signature;  // "good, by key …" and so on; empty: there is none, and none was expected
    SystemSeconds started{};
    PhaseSeconds seconds{};
    std::uint64_t objects = 0, stored_bytes = 0;         // read by retrieve
    std::uint64_t components = 0, files = 0, bytes = 0;  // restored
    std::vector<CheckResult> checks;
    std::vector<std::string> warnings;
    std::optional<DrillFailure> failure;  // it ended there

    bool has_failed_check() const {
        return std::any_of(checks.begin(), checks.end(),
                           [](const CheckResult& c) { return c.state == CheckResult::State::failed; });
    }
    bool is_damaged() const { return failure && failure->kind == Kind::corrupt; }
    bool has_passed() const { return !failure && !has_failed_check(); }
    /// The newest row that a max_age check found.
    std::optional<SystemSeconds> newest() const {
        std::optional<SystemSeconds> out;
        for (const CheckResult& c : checks)
            if (c.newest && (!out || *c.newest > *out)) out = c.newest;
        return out;
    }
    std::chrono::seconds age(SystemSeconds now) const { return now - started; }
};

/// What took longer, or is older, than it may be.
struct MissedTarget {
    std::string what;
    double target_s = 0, actual_s = 0;
};

struct PastDrill {
    std::string time_utc;
    double total_s = 0;
    bool has_passed = false;  // and met its targets
};

struct DrillReport {
    SystemSeconds began{};
    std::string repository;
    std::string pick;  // newest, oldest, random or named
    bool with_stock_tools = false;
    bool is_rehearsal = false;  // on a copy: it says how well recovery works, not how good the backups are
    DrillConfig config;
    std::vector<DrilledSource> sources;
    PhaseSeconds seconds{};  // of all sources
    std::optional<std::chrono::seconds>
        data_loss;  // the age of the oldest snapshot used; only if the newest were picked
    std::optional<DrillFailure> start_failure;
    std::vector<MissedTarget> missed;
    std::vector<PastDrill> history;  // oldest first, this one last
    std::string kept;                // the folder, if it was to be kept
    std::vector<std::string> notes;

    double total_s() const { return sum_of(seconds); }
    bool has_passed() const {
        return !start_failure && !sources.empty() &&
               std::all_of(sources.begin(), sources.end(),
                           [](const DrilledSource& s) { return s.has_passed(); });
    }
    /// Damage or a failed check before all else, then what could not be done, then targets.
    int exit_code() const {
        int code = start_failure ? static_cast<int>(start_failure->kind) : 0;
        for (const DrilledSource& s : sources) {
            if (s.is_damaged() || s.has_failed_check()) return static_cast<int>(Kind::corrupt);
            if (s.failure && code == 0) code = static_cast<int>(s.failure->kind);
        }
        return code != 0 ? code : missed.empty() ? 0 : static_cast<int>(Kind::refused);
    }
    const char* result() const { return !has_passed() ? "failed" : missed.empty() ? "passed" : "missed"; }
};

/// Fills in `missed`: only what the configuration names, and the total, and the loss of data if it is known.
inline void judge_targets(DrillReport& report) {
    const auto judge = [&](const std::string& what, std::chrono::seconds target, double actual) {
        const auto allowed = static_cast<double>(target.count());
        if (actual > allowed) report.missed.push_back({what, allowed, actual});
    };
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (report.config.target[i]) judge(kDrillPhases[i], *report.config.target[i], report.seconds[i]);
    judge("total", report.config.total, report.total_s());
    if (report.data_loss)
        judge("data loss", report.config.max_data_loss, static_cast<double>(report.data_loss->count()));
}

}  // namespace holdfast::ops
