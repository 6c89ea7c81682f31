// policy/server_config.hpp - how a database server is reached and what of it is captured: the keys of a [[source]] of kind
// "postgres" or "redis" as checked values.
//
// No password stands here: libpq reads a password file or a service file itself, redis-cli gets the content of one.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "holdfast/policy/toml_values.hpp"

namespace holdfast {

enum class PostgresMode { logical, physical };
enum class Globals { full, without_passwords, none };
template <>
struct Words<PostgresMode> {
    static constexpr std::pair<const char*, PostgresMode> kAll[] = {{"logical", PostgresMode::logical},
                                                                    {"physical", PostgresMode::physical}};
};
template <>
struct Words<Globals> {
    static constexpr std::pair<const char*, Globals> kAll[] = {
        {"full", Globals::full}, {"without-passwords", Globals::without_passwords}, {"none", Globals::none}};
};

struct ServerConfig {
    std::vector<std::string> via;       // words before each client: ["docker", "exec", "db"]
    std::string host, user;             // empty: what the client takes
    std::string socket;                 // redis; absolute
    std::uint16_t port = 0;             // 0: what the client takes
    std::string password_file;          // absolute; postgres: a PGPASSFILE; redis: holds the password
    std::string service, service_file;  // postgres
    PostgresMode mode = PostgresMode::logical;
    std::vector<std::string> databases;  // postgres, logical
    std::vector<std::string> tables;     // only these, as pg_dump --table takes them; empty: all
    Globals globals = Globals::full;     // roles and tablespaces
    std::string data_dir;                // redis: where a restore puts the dump; empty: the server is asked

    bool operator==(const ServerConfig&) const = default;
};

namespace detail {

inline void read_plain(TomlTable& table, const char* key, std::string& out) {
    const std::optional<std::string> text = table.text(key);
    if (!text) return;
    check_text(table, key, *text);
    if (text->starts_with('-')) table.fail(key, "begins with '-', which would be an option");
    out = *text;
}

inline void read_plain_list(TomlTable& table, const char* key, std::vector<std::string>& out) {
    out = table.text_or_texts(key);
    if (out.empty() && table.has(key)) table.fail(key, "is empty", "leave it out if there are none");
    for (const std::string& text : out) {
        check_text(table, key, text);
        if (text.starts_with('-')) table.fail(key, "begins with '-', which would be an option");
    }
}

/// A database names a component, so it has to be a file name.
inline void check_databases(TomlTable& table, const std::vector<std::string>& names) {
    for (auto name = names.begin(); name != names.end(); ++name) {
        if (name->size() > 63 || name->find('/') != std::string::npos || *name == "." || *name == "..")
            table.fail("database", "cannot be " + in_quotes(*name),
                       "a name without '/', of at most 63 bytes; connection settings have keys of their own");
        if (std::find(names.begin(), name, *name) != name)
            table.fail("database", in_quotes(*name) + " is used twice");
    }
}

inline void read_postgres(TomlTable& table, ServerConfig& out) {
    read_word(table, "mode", out.mode);
    read_word(table, "globals", out.globals);
    read_plain(table, "service", out.service);
    read_plain_list(table, "database", out.databases);
    read_plain_list(table, "tables", out.tables);
    check_databases(table, out.databases);
    if (out.mode == PostgresMode::logical && out.databases.empty())
        table.fail("database", "is missing", "database = \"orders\", or a list of them");
    if (out.mode == PostgresMode::physical)
        for (const char* key : {"database", "tables", "globals"})
            if (table.has(key))
                table.fail(key, "is for mode = \"logical\" only",
                           "a physical backup holds the whole cluster");
}

}  // namespace detail

/// Makes a path of the configuration absolute, or complains.
using ReadPath = std::function<std::string(const char* key, const std::string& path)>;

/// Throws: config.
inline ServerConfig read_server(TomlTable& table, SourceKind kind, const ReadPath& path) {
    ServerConfig out;
    const auto read_path = [&](const char* key, std::string& to) {
        if (const auto text = table.text(key)) to = path(key, *text);
    };
    out.via = table.text_or_texts("via");
    if (out.via.empty() && table.has("via")) table.fail("via", "is empty");
    detail::read_plain(table, "host", out.host);
    detail::read_plain(table, "user", out.user);
    read_path("password_file", out.password_file);
    if (const auto port = table.whole_number("port")) {
        if (*port < 1 || *port > 65535) table.fail("port", "is not between 1 and 65535");
        out.port = static_cast<std::uint16_t>(*port);
    }
    if (kind == SourceKind::postgres) {
        read_path("service_file", out.service_file);
        detail::read_postgres(table, out);
    } else {
        read_path("socket", out.socket);
        read_path("data_dir", out.data_dir);
        if (!out.socket.empty() && (!out.host.empty() || out.port != 0))
            table.fail("socket", "and 'host' or 'port' exclude each other");
    }
    return out;
}

}  // namespace holdfast
