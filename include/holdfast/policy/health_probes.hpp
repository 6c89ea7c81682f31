// policy/health_probes.hpp - answers of services, judged: status, latency, and events of a stream.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "holdfast/policy/health.hpp"

namespace holdfast {

struct ProbeFacts {
    std::string failure;  // why there was no answer; empty: there was one
    long status = 0;
    std::chrono::milliseconds took{};  // a stream: until the first event
    std::string content_type{};        // a stream
    bool has_event = false;            // a stream
};

namespace detail {
inline std::vector<Sample> probe_samples(const std::string& kind, const std::string& name, bool is_up,
                                         std::chrono::milliseconds took) {
    return {{kind + "_up", is_up ? 1.0 : 0.0, {{"name", name}}},
            {kind + "_latency_seconds", static_cast<double>(took.count()) / 1000, {{"name", name}}}};
}
}  // namespace detail

inline HealthResult judge_endpoint(const EndpointConfig& config, const ProbeFacts& facts) {
    detail::HealthVerdict verdict("endpoint", config.name);
    const std::string took = std::to_string(facts.took.count()) + " ms";
    if (!facts.failure.empty())
        verdict.add(Health::unhealthy, facts.failure, "is the service up? systemctl status, and its log");
    else if (facts.status != config.status)
        verdict.add(Health::unhealthy,
                    "answered " + std::to_string(facts.status) + ", not " + std::to_string(config.status),
                    "read the log of the service");
    else if (facts.took > config.max_latency)
        verdict.add(
            Health::degraded,
            "answered in " + took + ", the most is " + std::to_string(config.max_latency.count()) + " ms",
            "look at the load of that host and service");
    for (const Sample& s : detail::probe_samples(
             "endpoint", config.name, facts.failure.empty() && facts.status == config.status, facts.took))
        verdict.sample(s);
    return verdict.take("answered " + std::to_string(facts.status) + " in " + took);
}

inline HealthResult judge_stream(const StreamConfig& config, const ProbeFacts& facts) {
    detail::HealthVerdict verdict("stream", config.name);
    const std::string next = "is its producer alive? curl -N shows what comes";
    std::string type = facts.content_type.substr(0, facts.content_type.find_first_of("; \t"));
    for (char& c : type) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    const bool is_sse = type == "text/event-stream";
    if (facts.has_event && facts.status == 200 && is_sse) {
        // It came in time, whatever happened to the connection after it.
    } else if (facts.status != 0 && facts.status != 200) {
        verdict.add(Health::unhealthy, "answered " + std::to_string(facts.status),
                    "read the log of the service");
    } else if (facts.status == 200 && !is_sse) {
        verdict.add(Health::unhealthy, "is no event stream but " + in_quotes(facts.content_type),
                    "check its address");
    } else {
        verdict.add(Health::unhealthy,
                    facts.failure.empty() || facts.status == 200
                        ? "no event within " + std::to_string(config.within.count()) + " ms"
                        : facts.failure,
                    next);
    }
    const bool is_up = verdict.is_healthy();
    for (const Sample& s : detail::probe_samples("stream", config.name, is_up, facts.took)) verdict.sample(s);
    return verdict.take("an event after " + std::to_string(facts.took.count()) + " ms");
}

/// Does a server-sent event with data end in what has come so far? Comments and blank lines are none.
/// https://html.spec.whatwg.org/multipage/server-sent-events.html
class EventFinder {
public:
    static constexpr std::size_t kMaxLine = 64 * 1024;

    /// True from the first event on.
    bool feed(std::string_view bytes) {
        for (const char c : bytes) {
            if (has_event_) return true;
            const bool is_second_half = c == '\n' && after_return_;
            after_return_ = c == '\r';
            if (is_second_half) continue;
            if (c == '\n' || c == '\r')
                end_line();
            else if (line_.size() < kMaxLine)
                line_ += c;
        }
        return has_event_;
    }

private:
    void end_line() {
        if (std::exchange(is_first_, false) && line_.starts_with("\xEF\xBB\xBF")) line_.erase(0, 3);
        if (line_.empty()) {
            has_event_ = has_data_;
        } else if (line_ == "data" || line_.starts_with("data:")) {
            has_data_ = true;
        }
        line_.clear();
    }
    std::string line_;
    bool has_data_ = false, has_event_ = false, after_return_ = false;
    bool is_first_ = true;  // line: it may begin with a byte order mark
};

}  // namespace holdfast
