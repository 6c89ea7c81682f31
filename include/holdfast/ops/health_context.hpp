// ops/health_context.hpp - what the checks of a host share: the configuration, and facts that are gathered once.
#pragma once

#include "holdfast/ops/alert.hpp"
#include "holdfast/ops/gather_backups.hpp"
#include "holdfast/ops/plan_sources.hpp"
#include "holdfast/policy/health.hpp"

namespace holdfast::ops {

struct HealthOptions {
    Config config;
    std::string repository;  // path
    AlertOptions alerts;
    SystemSeconds now = now_utc();
};

/// Facts that several checks need, gathered once.
class HealthContext {
public:
    explicit HealthContext(HealthOptions wanted) : options(std::move(wanted)) {}

    /// Throws: what Repository::open() throws, each time.
    const Repository& repository() {
        if (!repository_) repository_.emplace(Repository::open(options.repository));
        return *repository_;
    }
    const BackupFacts& backups() {
        if (!backups_) backups_ = gather_backups(repository(), options.config);
        return *backups_;
    }
    const CapturePlan& plan() {
        if (!plan_) plan_ = plan_sources(options.config.sources);
        return *plan_;
    }
    const HealthConfig& limits() const { return options.config.health; }

    const HealthOptions options;

private:
    std::optional<Repository> repository_;
    std::optional<BackupFacts> backups_;
    std::optional<CapturePlan> plan_;
};

using HealthResults = std::vector<HealthResult>;

}  // namespace holdfast::ops
