// policy/checks_config.hpp - what must hold of a restored source: its [[source.check]] tables as checked values.
//
// A check is a query with an answer to expect or an age that its answer may have, or a command that must succeed.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/toml_values.hpp"

namespace holdfast {

struct CheckConfig {
    std::string name;                             // unique in its source
    std::string sql;                              // empty: a command
    std::optional<std::string> expect;            // the first column of the first row, as text
    std::optional<std::chrono::seconds> max_age;  // or: a time, at most so long before the snapshot
    std::vector<std::string> command;             // argv, or one line for bash if `shell`
    bool shell = false;
    std::chrono::seconds timeout{60};

    bool operator==(const CheckConfig&) const = default;
};

namespace detail {

inline void read_query(TomlTable& table, SourceKind kind, CheckConfig& out) {
    if (kind != SourceKind::sqlite && kind != SourceKind::postgres)
        table.fail("sql", "is for sources of kind = \"sqlite\" or \"postgres\" only", "use a command");
    out.sql = *table.text("sql");
    check_text(table, "sql", out.sql);
    out.expect = table.text("expect");
    if (table.has("max_age")) read_duration(table, "max_age", std::chrono::seconds{1}, out.max_age.emplace());
    if (out.expect.has_value() == out.max_age.has_value())
        table.fail(
            out.expect ? "max_age" : "sql",
            out.expect ? "and 'expect' exclude each other" : "has no answer to expect",
            "add expect = \"0\" for the first column of the first row, or max_age = \"26h\" if it is a time");
}

inline CheckConfig read_check(TomlTable& table, SourceKind kind) {
    CheckConfig out;
    if (table.has("sql") == table.has("command"))
        table.fail(table.has("sql") ? "command" : "sql",
                   table.has("sql") ? "and 'sql' exclude each other" : "is missing",
                   "a check has either sql = \"SELECT ...\" or command = [\"program\", \"argument\"]");
    if (table.has("sql")) {
        read_query(table, kind, out);
    } else {
        for (const char* key : {"expect", "max_age"})
            if (table.has(key))
                table.fail(key, "is for checks with 'sql' only", "a command passes with exit code 0");
        read_command(table, "command",
                     "command = [\"program\", \"argument\"], or one line for bash in quotes", out.command,
                     out.shell);
    }
    read_duration(table, "timeout", std::chrono::seconds{1}, out.timeout);
    if (const auto name = table.text("name")) {
        check_text(table, "name", *name);
        out.name = *name;
    } else {
        out.name = out.sql;
        for (const std::string& word : out.command) out.name += (out.name.empty() ? "" : " ") + word;
    }
    table.finish();
    return out;
}

}  // namespace detail

/// The checks of one source. Throws: config.
inline std::vector<CheckConfig> read_checks(TomlTable& source, SourceKind kind) {
    std::vector<CheckConfig> out;
    std::map<std::string, TomlPlace> first_seen;
    for (TomlTable& table : source.tables("check")) {
        out.push_back(detail::read_check(table, kind));
        const auto [seen, is_new] = first_seen.emplace(out.back().name, table.place("name"));
        if (!is_new)
            table.fail("name", in_quotes(out.back().name) + " is used twice",
                       "the first one is in line " + std::to_string(seen->second.line));
    }
    return out;
}

}  // namespace holdfast
