// policy/client_runs.hpp - which client programs capture a database server, and what each of them writes.
//
// Pure: arguments and environment come out, nothing is started. Arguments carry no secrets. Every client fails within
// seconds where it would ask for a password or wait for a host.
#pragma once

#include <string>
#include <vector>

#include "holdfast/policy/config.hpp"
#include "holdfast/source/client_stream.hpp"

namespace holdfast {

struct ClientRun {
    std::string component;  // of the snapshot: <source>/<file name>
    std::vector<std::string> argv;
    std::vector<std::string> environment;  // "NAME=value", beside ours
    std::string secret_variable;           // gets the content of secret_file; empty: none
    std::string secret_file;
    ClientOutput output = ClientOutput::pg_dump;
};

namespace detail {

inline constexpr const char* kConnectSeconds = "10";

/// As a value in a connection string of libpq.
inline std::string conninfo_text(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

/// A connection string of libpq; an empty database is left to libpq.
inline std::string conninfo(const ServerConfig& s, const std::string& database) {
    std::string out = "connect_timeout=" + std::string(kConnectSeconds);
    const auto add = [&](const char* key, const std::string& value) {
        if (!value.empty()) out += std::string(" ") + key + "=" + conninfo_text(value);
    };
    add("service", s.service);
    add("host", s.host);
    add("port", s.port == 0 ? "" : std::to_string(s.port));
    add("user", s.user);
    add("passfile", s.password_file);
    add("dbname", database);
    return out;
}

inline std::vector<std::string> words(std::vector<std::string> first, const std::vector<std::string>& rest) {
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
}

inline std::vector<ClientRun> postgres_runs(const SourceConfig& source) {
    const ServerConfig& s = source.server;
    std::vector<ClientRun> out;
    const auto add = [&](const std::string& file, const std::vector<std::string>& argv, ClientOutput output) {
        ClientRun& run = out.emplace_back();
        run.component = source.name + "/" + file;
        run.argv = words(s.via, argv);
        run.output = output;
        if (!s.service_file.empty()) run.environment = {"PGSERVICEFILE=" + s.service_file};
    };
    if (s.mode == PostgresMode::physical) {
        add("base.tar",
            {"pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast",
             "--no-password", "--dbname=" + conninfo(s, "")},
            ClientOutput::pg_base);
        return out;
    }
    for (const std::string& database : s.databases) {
        // Not compressed: only so do two dumps of nearly the same data share most of their bytes.
        std::vector<std::string> argv = {"pg_dump", "--format=custom", "--compress=0", "--no-password",
                                         "--dbname=" + conninfo(s, database)};
        for (const std::string& table : s.tables) argv.push_back("--table=" + table);
        add(database + ".dump", argv, ClientOutput::pg_dump);
    }
    if (s.globals == Globals::none) return out;
    std::vector<std::string> argv = {"pg_dumpall", "--globals-only", "--no-password",
                                     "--dbname=" + conninfo(s, ""), "--database=" + s.databases.at(0)};
    if (s.globals == Globals::without_passwords) argv.push_back("--no-role-passwords");
    add("globals.sql", argv, ClientOutput::pg_globals);
    return out;
}

inline std::vector<ClientRun> redis_runs(const SourceConfig& source) {
    const ServerConfig& s = source.server;
    std::vector<std::string> client = words(s.via, {"redis-cli"});
    const auto option = [&](const char* name, const std::string& value) {
        if (!value.empty()) client = words(client, {name, value});
    };
    option("-h", s.host);
    option("-p", s.port == 0 ? "" : std::to_string(s.port));
    option("-s", s.socket);
    option("--user", s.user);
    const std::string secret = s.password_file.empty() ? "" : "REDISCLI_AUTH";
    return {{source.name + "/dump.rdb",
             words(client, {"--rdb", "-"}),
             {},
             secret,
             s.password_file,
             ClientOutput::redis_dump},
            {source.name + "/info.txt",
             words(client, {"INFO"}),
             {},
             secret,
             s.password_file,
             ClientOutput::redis_info}};
}

}  // namespace detail

/// In the order in which they run; `source` is of kind postgres or redis.
inline std::vector<ClientRun> client_runs(const SourceConfig& source) {
    return source.kind == SourceKind::postgres ? detail::postgres_runs(source) : detail::redis_runs(source);
}

}  // namespace holdfast
