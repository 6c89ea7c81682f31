// policy/config_text.hpp - the effective configuration as TOML (which parses to the same) and as JSON.
//
// In JSON durations are numbers of seconds and say so in their names; "forever" is a very large one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/policy/config.hpp"
#include "holdfast/policy/health_text.hpp"
#include "holdfast/policy/remote_text.hpp"
#include "holdfast/policy/server_text.hpp"
#include "holdfast/policy/toml_text.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

namespace detail {

inline std::string check_toml(const CheckConfig& check) {
    std::string out = "\n[[source.check]]\n" + toml_line("name", toml_text(check.name));
    if (!check.sql.empty()) out += toml_line("sql", toml_text(check.sql));
    if (check.expect) out += toml_line("expect", toml_text(*check.expect));
    if (check.max_age) out += toml_line("max_age", toml_text(duration_text(*check.max_age)));
    if (!check.command.empty())
        out += toml_line("command", check.shell ? toml_text(check.command[0]) : toml_list(check.command));
    return out + toml_line("timeout", toml_text(duration_text(check.timeout)));
}

inline Json check_json(const CheckConfig& check) {
    Json out = {{"name", json_text(check.name)}, {"timeout_s", check.timeout.count()}};
    if (!check.sql.empty()) out["sql"] = json_text(check.sql);
    if (check.expect) out["expect"] = json_text(*check.expect);
    if (check.max_age) out["max_age_s"] = check.max_age->count();
    if (check.command.empty()) return out;
    out["command"] = json_list(check.command);
    out["shell"] = check.shell;
    return out;
}

inline std::string source_toml(const SourceConfig& source) {
    const auto line = toml_line;
    std::string out = "\n[[source]]\n" + line("name", toml_text(source.name)) +
                      line("kind", toml_text(word_for(source.kind))) +
                      line("class", toml_text(word_for(source.source_class)));
    if (source.kind == SourceKind::command) {
        out += line("command", source.shell ? toml_text(source.command.at(0)) : toml_list(source.command));
        out += line("timeout", toml_text(duration_text(source.timeout)));
        if (!source.expect_end.empty()) out += line("expect_end", toml_text(source.expect_end));
    } else if (is_server(source.kind)) {
        out += server_toml(source.server, source.kind);
        out += line("timeout", toml_text(duration_text(source.timeout)));
    } else {
        out += line("path", toml_list(source.paths));
    }
    if (source.kind == SourceKind::tree) out += line("exclude", toml_list(source.exclude));
    if (source.newer_than) out += line("newer_than", toml_text(duration_text(*source.newer_than)));
    if (source.kind == SourceKind::sqlite)
        out += line("busy_timeout", toml_text(duration_text(source.busy_timeout)));
    return out + line("allow_empty", source.allow_empty ? "true" : "false") +
           line("allow_incompressible", source.allow_incompressible ? "true" : "false") +
           line("max_shrink", toml_text(format_percent(source.max_shrink)));
}

inline Json source_json(const SourceConfig& source) {
    Json out;
    out["name"] = source.name;
    out["kind"] = word_for(source.kind);
    out["class"] = word_for(source.source_class);
    if (source.kind == SourceKind::command) {
        out["command"] = json_list(source.command);
        out["shell"] = source.shell;
        out["timeout_s"] = source.timeout.count();
        out["expect_end"] = json_text(source.expect_end);
    } else if (is_server(source.kind)) {
        add_server_json(source.server, source.kind, out);
        out["timeout_s"] = source.timeout.count();
    } else {
        out["path"] = json_list(source.paths);
    }
    if (source.kind == SourceKind::tree) out["exclude"] = json_list(source.exclude);
    if (source.newer_than) out["newer_than_s"] = source.newer_than->count();
    if (source.kind == SourceKind::sqlite) out["busy_timeout_s"] = source.busy_timeout.count();
    out["allow_empty"] = source.allow_empty;
    out["allow_incompressible"] = source.allow_incompressible;
    out["max_shrink"] = source.max_shrink;
    out["check"] = Json::array();
    for (const CheckConfig& check : source.checks) out["check"].push_back(check_json(check));
    return out;
}

inline std::string drill_toml(const DrillConfig& drill) {
    std::string out = "\n[drill]\n";
    if (!drill.scratch.empty()) out += toml_line("scratch", toml_text(drill.scratch));
    if (!drill.report_dir.empty()) out += toml_line("report_dir", toml_text(drill.report_dir));
    if (!drill.start.empty())
        out += toml_line("start", drill.shell ? toml_text(drill.start[0]) : toml_list(drill.start));
    out += toml_line("start_timeout", toml_text(duration_text(drill.start_timeout))) +
           toml_line("max_data_loss", toml_text(duration_text(drill.max_data_loss))) + "\n[drill.target]\n";
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (drill.target[i]) out += toml_line(kDrillPhases[i], toml_text(duration_text(*drill.target[i])));
    return out + toml_line("total", toml_text(duration_text(drill.total)));
}

inline Json drill_json(const DrillConfig& drill, const std::string& log_dir) {
    Json target = {{"total_s", drill.total.count()}};
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (drill.target[i]) target[std::string(kDrillPhases[i]) + "_s"] = drill.target[i]->count();
    return {{"scratch", drill.scratch.empty() ? Json(nullptr) : Json(json_text(drill.scratch))},
            {"report_dir", json_text(report_folder(drill, log_dir))},
            {"start", json_list(drill.start)},
            {"shell", drill.shell},
            {"start_timeout_s", drill.start_timeout.count()},
            {"max_data_loss_s", drill.max_data_loss.count()},
            {"target", target}};
}

inline std::string alerts_toml(const AlertsConfig& a) {
    if (a == AlertsConfig{}) return "";
    const auto line = toml_line;
    std::string out = "\n[alerts]\n";
    if (!a.spool.empty()) out += line("spool", toml_text(a.spool));
    out += line("max_buffered", std::to_string(a.max_buffered)) +
           line("repeat_after", toml_text(duration_text(a.repeat_after))) +
           line("on_success", a.on_success ? "true" : "false");
    if (!a.ping.empty()) out += line("ping", toml_text(a.ping));
    if (!a.ping_file.empty()) out += line("ping_file", toml_text(a.ping_file));
    for (const ChannelConfig& c : a.channels) {
        out += "\n[[alerts.channel]]\n" + line("name", toml_text(c.name)) +
               line("kind", toml_text(word_for(c.kind))) + line("at_least", toml_text(word_for(c.at_least)));
        for (const auto& [key, text] : {std::pair{"url", &c.url},
                                        {"url_file", &c.url_file},
                                        {"secret_file", &c.secret_file},
                                        {"ca_file", &c.ca_file},
                                        {"to", &c.to}})
            if (!text->empty()) out += line(key, toml_text(*text));
        if (!c.command.empty())
            out += line("command", c.shell ? toml_text(c.command[0]) : toml_list(c.command));
        out += line("timeout", toml_text(duration_text(c.timeout)));
    }
    return out;
}

/// Scripts read this, and what they read may reach a log: no addresses, which may be secrets.
inline Json alerts_json(const AlertsConfig& a) {
    Json out = {{"spool", json_text(a.spool)},
                {"on_success", a.on_success},
                {"pings", !a.ping.empty() || !a.ping_file.empty()},
                {"channels", Json::array()}};
    for (const ChannelConfig& c : a.channels)
        out["channels"].push_back(
            {{"name", c.name}, {"kind", word_for(c.kind)}, {"at_least", word_for(c.at_least)}});
    return out;
}

inline std::string services_toml(const ServicesConfig& services) {
    if (services == ServicesConfig{}) return "";
    std::string out = "\n[services]\n";
    if (!services.names.empty()) out += toml_line("names", toml_list(services.names));
    for (const ServiceCommandKey& k : kServiceCommands)
        if (const ServiceCommand& c = services.*k.member; c.is_set())
            out += toml_line(k.key, c.shell ? toml_text(c.argv[0]) : toml_list(c.argv));
    return out + toml_line("timeout", toml_text(duration_text(services.timeout))) +
           toml_line("reconcile_wait", toml_text(duration_text(services.reconcile_wait))) +
           toml_line("health_timeout", toml_text(duration_text(services.health_timeout)));
}

/// Commands as what is executed, so that no script has to know how a line becomes one.
inline Json services_json(const ServicesConfig& services) {
    Json out = {{"names", json_list(services.names)},
                {"timeout_s", services.timeout.count()},
                {"reconcile_wait_s", services.reconcile_wait.count()},
                {"health_timeout_s", services.health_timeout.count()}};
    for (const ServiceCommandKey& k : kServiceCommands)
        out[k.key] = json_list((services.*k.member).executed());
    return out;
}

}  // namespace detail

inline std::string config_to_toml(const Config& config) {
    std::string out = "[repository]\n";
    if (!config.repository.path.empty()) out += "path = " + detail::toml_text(config.repository.path) + "\n";
    out += "level = " + std::to_string(config.repository.level) + "\n";
    out += "lock_wait = " + detail::toml_text(detail::duration_text(config.repository.lock_wait)) + "\n";
    if (!config.repository.certificate.empty())
        out += "certificate = " + detail::toml_text(config.repository.certificate) + "\n";
    if (config.repository.private_names) out += "private_names = true\n";
    if (!config.repository.signing_key.empty())
        out += "signing_key = " + detail::toml_text(config.repository.signing_key) +
               "\nrequire_signature = " + (config.repository.require_signature ? "true" : "false") + "\n";
    out += "\n[backup]\n";
    out += "verify_after = " + detail::toml_text(word_for(config.backup.verify_after)) + "\n";
    out += "log_dir = " + detail::toml_text(config.backup.log_dir) + "\n";
    out += "time_limit = " + detail::toml_text(detail::duration_text(config.backup.time_limit)) + "\n";
    out += "\n[cleanup]\nlog_dirs = " + detail::toml_list(config.cleanup.log_dirs) + "\n";
    out += "older_than = " + detail::toml_text(detail::duration_text(config.cleanup.older_than)) + "\n";
    out += detail::retention_toml(config.retention);
    out += detail::drill_toml(config.drill);
    out += detail::alerts_toml(config.alerts);
    out += detail::services_toml(config.services);
    out += detail::health_toml(config.health);
    for (const RemoteConfig& remote : config.remotes) out += detail::remote_toml(remote);
    for (const SourceConfig& source : config.sources) {
        out += detail::source_toml(source);
        for (const CheckConfig& check : source.checks) out += detail::check_toml(check);
    }
    return out;
}

/// `file` is where it came from, empty if there is no file.
inline Json config_to_json(const Config& config, const std::string& file) {
    Json out;
    out["file"] = file.empty() ? Json(nullptr) : Json(json_text(file));
    out["repository"] = {{"path", json_text(config.repository.path)},
                         {"level", config.repository.level},
                         {"lock_wait_s", config.repository.lock_wait.count()},
                         {"certificate", config.repository.certificate},
                         {"private_names", config.repository.private_names},
                         {"signing_key", config.repository.signing_key},
                         {"require_signature", config.repository.require_signature}};
    out["backup"] = {{"verify_after", word_for(config.backup.verify_after)},
                     {"log_dir", json_text(config.backup.log_dir)},
                     {"time_limit_s", config.backup.time_limit.count()}};
    out["cleanup"] = {{"log_dirs", detail::json_list(config.cleanup.log_dirs)},
                      {"older_than_s", config.cleanup.older_than.count()}};
    out["retention"] = detail::retention_json(config.retention);
    out["drill"] = detail::drill_json(config.drill, config.backup.log_dir);
    out["alerts"] = detail::alerts_json(config.alerts);
    out["services"] = detail::services_json(config.services);
    out["health"] = detail::health_json(config.health);
    out["remote"] = Json::array();
    for (const RemoteConfig& remote : config.remotes) out["remote"].push_back(detail::remote_json(remote));
    out["source"] = Json::array();
    for (const SourceConfig& source : config.sources) out["source"].push_back(detail::source_json(source));
    return out;
}

}  // namespace holdfast
