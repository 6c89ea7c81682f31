// policy/server_text.hpp - the keys of a source of kind "postgres" or "redis" as TOML and as JSON, without what was not said.
#pragma once

#include <string>
#include <utility>

#include "holdfast/policy/server_config.hpp"
#include "holdfast/policy/toml_text.hpp"

namespace holdfast::detail {

/// Calls `text(key, value)` for each text and `list(key, values)` for each list that is set.
template <class Text, class List>
void each_server_key(const ServerConfig& s, Text text, List list) {
    for (const auto& [key, value] : {std::pair{"host", &s.host},
                                     {"user", &s.user},
                                     {"socket", &s.socket},
                                     {"password_file", &s.password_file},
                                     {"service", &s.service},
                                     {"service_file", &s.service_file},
                                     {"data_dir", &s.data_dir}})
        if (!value->empty()) text(key, *value);
    for (const auto& [key, values] :
         {std::pair{"via", &s.via}, {"database", &s.databases}, {"tables", &s.tables}})
        if (!values->empty()) list(key, *values);
}

inline std::string server_toml(const ServerConfig& s, SourceKind kind) {
    std::string out;
    each_server_key(
        s, [&](const char* key, const std::string& value) { out += toml_line(key, toml_text(value)); },
        [&](const char* key, const std::vector<std::string>& values) {
            out += toml_line(key, toml_list(values));
        });
    if (s.port != 0) out += toml_line("port", std::to_string(s.port));
    if (kind != SourceKind::postgres) return out;
    out += toml_line("mode", toml_text(word_for(s.mode)));
    if (s.mode == PostgresMode::logical) out += toml_line("globals", toml_text(word_for(s.globals)));
    return out;
}

inline void add_server_json(const ServerConfig& s, SourceKind kind, Json& out) {
    each_server_key(
        s, [&](const char* key, const std::string& value) { out[key] = json_text(value); },
        [&](const char* key, const std::vector<std::string>& values) { out[key] = json_list(values); });
    if (s.port != 0) out["port"] = s.port;
    if (kind != SourceKind::postgres) return;
    out["mode"] = word_for(s.mode);
    out["globals"] = word_for(s.globals);
}

}  // namespace holdfast::detail
