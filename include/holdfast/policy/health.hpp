// policy/health.hpp - what a health check says: a level, what was found, what to do about it, and figures for Prometheus.
//
// Pure, as are health_backups.hpp, health_host.hpp and health_probes.hpp, which judge facts that ops/ gathers.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/base/utc.hpp"
#include "holdfast/policy/health_config.hpp"
#include "holdfast/policy/words.hpp"

namespace holdfast {

enum class Health { healthy, degraded, unhealthy, unknown };  // the exit codes of healthcheck
template <>
struct Words<Health> {
    static constexpr std::pair<const char*, Health> kAll[] = {{"healthy", Health::healthy},
                                                              {"degraded", Health::degraded},
                                                              {"unhealthy", Health::unhealthy},
                                                              {"unknown", Health::unknown}};
};

/// One figure of a metric; its name says what it is, policy/metrics.hpp knows all of them.
struct Sample {
    std::string name;
    double value = 0;
    std::vector<std::pair<std::string, std::string>> labels{};
};

struct HealthResult {
    std::string check;    // one of ops::health_checks()
    std::string subject;  // a source, a disk, an endpoint; may be empty
    Health level = Health::healthy;
    std::string message;
    std::string next;  // what to do; never empty unless healthy
    std::vector<Sample> samples{};
};

/// unhealthy, then unknown (nobody could look), then degraded. Of nothing at all: unknown.
inline Health worse(Health a, Health b) {
    const auto rank = [](Health h) {
        return h == Health::unhealthy ? 3 : h == Health::unknown ? 2 : h == Health::degraded ? 1 : 0;
    };
    return rank(a) >= rank(b) ? a : b;
}
inline Health overall(const std::vector<HealthResult>& results) {
    if (results.empty()) return Health::unknown;
    Health out = Health::healthy;
    for (const HealthResult& r : results) out = worse(out, r.level);
    return out;
}

namespace detail {

/// Collects what is wrong with one subject: the worst level wins, messages are joined.
class HealthVerdict {
public:
    HealthVerdict(std::string check, std::string subject) {
        result_.check = std::move(check);
        result_.subject = std::move(subject);
    }
    void add(Health level, const std::string& message, const std::string& next) {
        result_.level = worse(result_.level, level);
        append(result_.message, message);
        append(result_.next, next);
    }
    void note(const std::string& message) { append(result_.message, message); }
    void sample(Sample s) { result_.samples.push_back(std::move(s)); }
    bool is_healthy() const { return result_.level == Health::healthy; }
    HealthResult take(const std::string& if_silent = "") {
        if (result_.message.empty()) result_.message = if_silent;
        return std::move(result_);
    }

private:
    static void append(std::string& text, const std::string& more) {
        if (more.empty() || text.find(more) != std::string::npos) return;
        text += (text.empty() ? "" : "; ") + more;
    }
    HealthResult result_;
};

/// "2 h ago", or how far in the future.
inline std::string ago(SystemSeconds at, SystemSeconds now) {
    return at <= now ? format_duration(now - at) + " ago" : format_duration(at - now) + " in the future";
}

inline double unix_time(SystemSeconds at) { return static_cast<double>(at.time_since_epoch().count()); }

}  // namespace detail

}  // namespace holdfast
