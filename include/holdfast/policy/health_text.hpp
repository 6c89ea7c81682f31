// policy/health_text.hpp - the [health] section as TOML and as JSON.
#pragma once

#include "holdfast/policy/health_config.hpp"
#include "holdfast/policy/toml_text.hpp"

namespace holdfast::detail {

inline std::string milliseconds_text(std::chrono::milliseconds time) {
    if (time.count() % 1000 == 0) return duration_text(std::chrono::floor<std::chrono::seconds>(time));
    return std::to_string(time.count()) + "ms";
}

template <class Probe>
std::string probe_toml(const char* key, const Probe& p) {
    return std::string("\n[[health.") + key + "]]\n" + toml_line("name", toml_text(p.name)) +
           toml_line("url", toml_text(p.url)) +
           (p.ca_file.empty() ? "" : toml_line("ca_file", toml_text(p.ca_file)));
}

inline std::string health_toml(const HealthConfig& h) {
    if (h == HealthConfig{}) return "";
    const auto age = [](const char* key, std::chrono::seconds s) {
        return toml_line(key, toml_text(duration_text(s)));
    };
    char used[32];
    std::snprintf(used, sizeof used, "%.10g%%", h.max_used * 100);
    std::string out =
        "\n[health]\n" + age("max_age", h.max_age) +
        toml_line("min_free", toml_text(std::to_string(h.min_free))) +
        toml_line("max_used", toml_text(used)) + age("min_left", h.min_left) +
        age("max_verify_age", h.max_verify_age) + age("max_drill_age", h.max_drill_age) +
        age("max_lock", h.max_lock) + age("max_open_restore", h.max_open_restore) +
        age("min_key_left", h.min_key_left) + toml_line("min_recipients", std::to_string(h.min_recipients)) +
        age("remind_after", h.remind_after) + toml_line("max_wal", toml_text(std::to_string(h.max_wal))) +
        toml_line("quick_check", toml_text(milliseconds_text(h.quick_check))) +
        toml_line("schedule", h.schedule ? "true" : "false");
    if (!h.metrics.empty()) out += toml_line("metrics", toml_text(h.metrics));
    if (!h.page.empty()) out += toml_line("page", toml_text(h.page));
    if (!h.max_age_of.empty()) out += "\n[health.max_age_of]\n";
    for (const auto& [name, limit] : h.max_age_of) out += age(toml_text(name).c_str(), limit);
    for (const EndpointConfig& e : h.endpoints)
        out += probe_toml("endpoint", e) + toml_line("status", std::to_string(e.status)) +
               toml_line("max_latency", toml_text(milliseconds_text(e.max_latency))) +
               toml_line("timeout", toml_text(milliseconds_text(e.timeout)));
    for (const StreamConfig& s : h.streams)
        out += probe_toml("stream", s) + toml_line("within", toml_text(milliseconds_text(s.within)));
    return out;
}

/// For scripts; no addresses, which may be secrets.
inline Json health_json(const HealthConfig& h) {
    Json out = {{"max_age_s", h.max_age.count()},
                {"max_age_of_s", Json::object()},
                {"min_free_bytes", h.min_free},
                {"max_used", h.max_used},
                {"min_left_s", h.min_left.count()},
                {"max_verify_age_s", h.max_verify_age.count()},
                {"max_drill_age_s", h.max_drill_age.count()},
                {"max_lock_s", h.max_lock.count()},
                {"max_open_restore_s", h.max_open_restore.count()},
                {"min_key_left_s", h.min_key_left.count()},
                {"min_recipients", h.min_recipients},
                {"remind_after_s", h.remind_after.count()},
                {"max_wal_bytes", h.max_wal},
                {"quick_check_ms", h.quick_check.count()},
                {"schedule", h.schedule},
                {"metrics", h.metrics.empty() ? Json(nullptr) : Json(json_text(h.metrics))},
                {"page", h.page.empty() ? Json(nullptr) : Json(json_text(h.page))},
                {"endpoints", Json::array()},
                {"streams", Json::array()}};
    for (const auto& [name, limit] : h.max_age_of) out["max_age_of_s"][name] = limit.count();
    for (const EndpointConfig& e : h.endpoints) out["endpoints"].push_back(json_text(e.name));
    for (const StreamConfig& s : h.streams) out["streams"].push_back(json_text(s.name));
    return out;
}

}  // namespace holdfast::detail
