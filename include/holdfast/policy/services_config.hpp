// policy/services_config.hpp - what uses the data, how it is stopped and started, and how its health is known: the
// [services] section as checked values.
//
// With names each of stop, start and status runs once for each name, which is its last argument ($1 of a line for bash);
// by default that is systemctl. Without names each runs once. Services stop in the order of the names and start in
// the reverse order. health and reconcile run once, after the start.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/policy/toml_values.hpp"

namespace holdfast {

struct ServiceCommand {
    std::vector<std::string> argv;  // or one line for bash if `shell`; empty: there is none
    bool shell = false;

    bool operator==(const ServiceCommand&) const = default;

    bool is_set() const { return !argv.empty(); }
    /// As it is executed: arguments that follow are $1 and so on of a line.
    std::vector<std::string> executed() const {
        if (!shell) return argv;
        return {"bash", "-o", "pipefail", "-c", argv.at(0), "bash"};
    }
};

struct ServicesConfig {
    std::vector<std::string> names;
    ServiceCommand stop, start;
    ServiceCommand status;  // exit 0: it runs; 1 or 3: it does not; anything else: not known
    ServiceCommand reconcile, health;
    std::chrono::seconds timeout{120};        // of each command; systemd itself gives a unit 90 s to stop
    std::chrono::seconds reconcile_wait{60};  // after the start, before reconcile runs
    std::chrono::seconds health_timeout{60};  // health is tried again for so long

    bool operator==(const ServicesConfig&) const = default;

    /// Names alone are commands too: systemctl stops whatever is named.
    bool runs_commands() const {
        return !names.empty() || stop.is_set() || start.is_set() || status.is_set() || reconcile.is_set() ||
               health.is_set();
    }
};

struct ServiceCommandKey {
    const char* key;
    ServiceCommand ServicesConfig::*member;
};
inline constexpr ServiceCommandKey kServiceCommands[] = {{"stop", &ServicesConfig::stop},
                                                         {"start", &ServicesConfig::start},
                                                         {"status", &ServicesConfig::status},
                                                         {"reconcile", &ServicesConfig::reconcile},
                                                         {"health", &ServicesConfig::health}};

namespace detail {

/// What systemd allows in the name of a unit, and no option.
inline bool is_unit_name(std::string_view name) {
    return !name.empty() && name.size() < 256 && name[0] != '-' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view(":-_.\\@").find(c) != std::string_view::npos;
           });
}

inline void read_names(TomlTable& table, std::vector<std::string>& out) {
    out = table.text_or_texts("names");
    if (out.empty() && table.has("names")) table.fail("names", "is empty", "leave it out if there are none");
    for (auto name = out.begin(); name != out.end(); ++name) {
        if (!is_unit_name(*name))
            table.fail("names", "cannot hold " + in_quotes(*name),
                       "write names of units: \"trading\", \"feed@nse\"");
        if (std::find(out.begin(), name, *name) != name)
            table.fail("names", in_quotes(*name) + " is used twice");
    }
}

}  // namespace detail

/// Throws: config.
inline ServicesConfig read_services(TomlTable table) {
    ServicesConfig out;
    detail::read_names(table, out.names);
    for (const ServiceCommandKey& k : kServiceCommands) {
        ServiceCommand& command = out.*k.member;
        const std::string hint =
            std::string(k.key) + " = [\"program\", \"argument\"], or one line for bash in quotes";
        if (table.has(k.key)) detail::read_command(table, k.key, hint.c_str(), command.argv, command.shell);
    }
    detail::read_duration(table, "timeout", std::chrono::seconds{1}, out.timeout);
    detail::read_duration(table, "reconcile_wait", std::chrono::seconds{0}, out.reconcile_wait);
    detail::read_duration(table, "health_timeout", std::chrono::seconds{1}, out.health_timeout);
    for (const char* key : {"stop", "start"})
        if (out.names.empty() && table.has(key) &&
            !table.has(key == std::string_view("stop") ? "start" : "stop"))
            table.fail(key, "is here alone, and what is stopped is started again",
                       "add stop and start, or names");
    if (out.names.empty() && table.has("status") && !table.has("stop"))
        table.fail("status", "is about nothing: there are neither names nor stop", "add names");
    table.finish();
    const auto by_default = [&](ServiceCommand& command, const char* verb) {
        if (!command.is_set() && !out.names.empty()) command.argv = {"systemctl", verb};
    };
    by_default(out.stop, "stop");
    by_default(out.start, "start");
    by_default(out.status, "is-active");
    return out;
}

}  // namespace holdfast
