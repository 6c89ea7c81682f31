// policy/remote_text.hpp - the [[remote]] sections as TOML and as JSON, and a policy as the text of its section.
#pragma once

#include "holdfast/policy/remote_config.hpp"
#include "holdfast/policy/toml_text.hpp"

namespace holdfast::detail {

inline std::string retention_toml(const RetentionConfig& retention,
                                  const std::string& section = "retention") {
    if (!retention.is_set()) return "";
    const auto rule = [](const KeepRule& r) {
        return r.count != 0 ? std::to_string(r.count) : toml_text(duration_text(r.age));
    };
    std::string out = "\n[" + section + "]\n";
    for (std::size_t i = 0; i < kPeriods.size(); ++i)
        if (retention.keep[i]) out += std::string(kPeriods[i].key) + " = " + rule(*retention.keep[i]) + "\n";
    out += "min_keep = " + std::to_string(retention.min_keep) + "\n";
    out += "grace = " + toml_text(duration_text(retention.grace)) + "\n";
    out += "zone = " + toml_text(retention.zone) + "\n";
    if (!retention.types.empty()) out += "\n[" + section + ".types]\n";
    for (const auto& [type, keep] : retention.types) out += type + " = " + rule(keep) + "\n";
    return out;
}

inline Json retention_json(const RetentionConfig& retention) {
    if (!retention.is_set()) return nullptr;
    const auto rule = [](const KeepRule& r) {
        return r.count != 0 ? Json{{"count", r.count}} : Json{{"age_s", r.age.count()}};
    };
    Json out = {{"min_keep", retention.min_keep},
                {"grace_s", retention.grace.count()},
                {"zone", retention.zone},
                {"types", Json::object()}};
    for (std::size_t i = 0; i < kPeriods.size(); ++i)
        if (retention.keep[i]) out[kPeriods[i].key] = rule(*retention.keep[i]);
    for (const auto& [type, keep] : retention.types) out["types"][type] = rule(keep);
    return out;
}

inline std::string remote_toml(const RemoteConfig& r) {
    std::string out =
        "\n[[remote]]\n" + toml_line("name", toml_text(r.name)) + toml_line("url", toml_text(r.url));
    for (const auto& [key, text] : {std::pair{"host", &r.host},
                                    {"credentials", &r.credentials},
                                    {"rclone_config", &r.rclone_config},
                                    {"key_file", &r.key_file},
                                    {"known_hosts", &r.known_hosts},
                                    {"medium", &r.medium}})
        if (!text->empty()) out += toml_line(key, toml_text(*text));
    if (!r.environment.empty()) out += toml_line("environment", toml_list(r.environment));
    out += toml_line("off_site", r.off_site ? "true" : "false") +
           toml_line("max_age", toml_text(duration_text(r.max_age))) +
           toml_line("time_limit", toml_text(duration_text(r.time_limit)));
    if (r.bandwidth != 0) out += toml_line("bandwidth", toml_text(std::to_string(r.bandwidth)));
    return out + retention_toml(r.retention, "remote.retention");
}

/// What scripts need to reach it; no secret is in it, only where they are.
inline Json remote_json(const RemoteConfig& r) {
    return {{"name", r.name},
            {"url", json_text(r.url)},
            {"kind", word_for(r.place.kind)},
            {"account", r.place.account},
            {"server", r.place.server},
            {"port", r.place.port},
            {"rclone_remote", r.place.remote},
            {"path", json_text(r.place.path)},
            {"host", r.host},
            {"credentials", json_text(r.credentials)},
            {"rclone_config", json_text(r.rclone_config)},
            {"key_file", json_text(r.key_file)},
            {"known_hosts", json_text(r.known_hosts)},
            {"environment", json_list(r.environment)},
            {"off_site", r.off_site},
            {"medium", json_text(r.medium)},
            {"max_age_s", r.max_age.count()},
            {"time_limit_s", r.time_limit.count()},
            {"bandwidth_bytes", r.bandwidth},
            {"retention", retention_json(r.retention)}};
}

}  // namespace holdfast::detail
