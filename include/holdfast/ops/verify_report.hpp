// ops/verify_report.hpp - what a run of verify is asked, and what it answers.
#pragma once

#include "holdfast/base/progress.hpp"
#include "holdfast/ops/finding.hpp"
#include "holdfast/ops/newest_row.hpp"
#include "holdfast/ops/portion.hpp"
#include "holdfast/ops/quarantine.hpp"
#include "holdfast/ops/signature.hpp"

namespace holdfast::ops {

struct VerifyOptions {
    std::vector<std::string> ids;  // whole ids
    bool all = false;              // every snapshot there is; ids are ignored
    bool deep = false;
    std::optional<double>
        share;  // up to 1: so much of the objects and, if deep, of the components, by chance
    std::optional<Budget> budget;         // a rolling run over every snapshot; instead of share, implies all
    bool quarantine = false;              // move damaged objects away, with the repository locked exclusively
    std::vector<SourceConfig> sources;    // of the configuration: what asks for the newest row
    SignatureRules signature{};           // what the configuration wants
    std::optional<Digest> certificate{};  // that it expects
    fs::path staging;                     // empty: the repository's tmp folder
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;
    SystemSeconds now = now_utc();
};

struct VerifyReport {
    std::vector<Finding> findings;
    std::vector<std::string> snapshots;
    bool is_deep = false;
    bool is_part = false;              // a share or a budget: not everything of `snapshots` was looked at
    std::uint64_t objects = 0;         // hashed
    std::uint64_t bytes = 0;           // stored bytes hashed
    std::optional<Coverage> coverage;  // of a rolling run: objects, or components if deep
    std::map<std::string, NewestRows> newest_rows;  // if deep, by snapshot
    std::vector<Quarantined> quarantined;
    std::vector<std::string> notes;

    bool has(Severity severity) const {
        return std::any_of(findings.begin(), findings.end(),
                           [&](const Finding& f) { return f.severity == severity; });
    }
    /// A finding about the repository itself counts for every snapshot that was looked at.
    bool is_damaged(const std::string& snapshot) const {
        return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
            return f.severity == Severity::damage && (f.snapshot == snapshot || f.snapshot.empty());
        });
    }
    int exit_code() const {
        const auto is_damage = [](const Finding& f) { return f.severity == Severity::damage; };
        const auto is_signature = [](const Finding& f) {
            return f.item == kSignatureFile || f.item == kKeysItem;
        };
        if (std::any_of(findings.begin(), findings.end(),
                        [&](const Finding& f) { return is_damage(f) && !is_signature(f); }))
            return static_cast<int>(Kind::corrupt);
        if (has(Severity::damage)) return static_cast<int>(Kind::crypto);
        return has(Severity::warning) ? static_cast<int>(Kind::partial) : 0;
    }
};

}  // namespace holdfast::ops
