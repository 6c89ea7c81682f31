// policy/alerts_config.hpp - who is told what: the [alerts] section as checked values.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/alert.hpp"
#include "holdfast/policy/toml_values.hpp"

namespace holdfast {

struct ChannelConfig {
    std::string name;
    ChannelKind kind = ChannelKind::webhook;
    Severity at_least = Severity::warning;  // recoveries follow what was told
    std::string url;                        // webhook, slack, ntfy; or in a file, for it may be a secret
    std::string url_file, secret_file, ca_file;
    std::string secret;                // of the environment; never printed
    std::string to;                    // email
    std::vector<std::string> command;  // argv, or one line for bash if `shell`; gets the alert as JSON
    bool shell = false;
    std::chrono::seconds timeout{10};

    bool operator==(const ChannelConfig&) const = default;
};

struct AlertsConfig {
    std::string spool;                  // empty: with the host's memory of repositories
    std::uint64_t max_buffered = 1000;  // per channel; what is more is refused, the oldest stay
    std::chrono::seconds repeat_after = std::chrono::hours{6};
    bool on_success = false;      // an info for every backup that went well
    std::string ping, ping_file;  // dead man's switch, in the convention of Healthchecks
    std::vector<ChannelConfig> channels;

    bool operator==(const AlertsConfig&) const = default;
    bool names_commands() const {
        return std::any_of(channels.begin(), channels.end(),
                           [](const ChannelConfig& c) { return c.kind == ChannelKind::command; });
    }
};

inline constexpr const char* kEnvironmentChannel = "environment";

namespace detail {

inline void read_url(TomlTable& table, const char* key, std::string& out) {
    const auto url = table.text(key);
    if (!url) return;
    if (!url->starts_with("https://") && !url->starts_with("http://"))
        table.fail(key, "is not an http or https address: " + in_quotes(*url), "write https://host/path");
    check_text(table, key, *url);
    out = *url;
}

inline void read_file_name(TomlTable& table, const char* key, const std::filesystem::path& folder,
                           std::string& out) {
    const auto path = table.text(key);
    if (!path) return;
    check_path(table, key, *path);
    out = (folder / *path).lexically_normal().string();
}

inline ChannelConfig read_channel(TomlTable& table, const std::filesystem::path& folder) {
    ChannelConfig out;
    const auto name = table.text("name");
    if (!name || name->empty() ||
        name->find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-") != std::string::npos)
        table.fail("name", name ? "cannot be " + in_quotes(*name) : "is missing",
                   "use letters, digits, '_' and '-'");
    if (*name == "ping" || *name == kEnvironmentChannel)
        table.fail("name", "cannot be " + in_quotes(*name),
                   "that is what reports call the dead man's switch, and the channel of ALERT_WEBHOOK_URL");
    out.name = *name;
    read_word(table, "kind", out.kind);
    read_word(table, "at_least", out.at_least);
    read_url(table, "url", out.url);
    read_file_name(table, "url_file", folder, out.url_file);
    read_file_name(table, "secret_file", folder, out.secret_file);
    read_file_name(table, "ca_file", folder, out.ca_file);
    out.to = table.text("to").value_or("");
    if (out.kind == ChannelKind::command)
        read_command(table, "command", "command = [\"program\"]; it gets the alert as JSON on HOLDFAST_ALERT",
                     out.command, out.shell);
    read_duration(table, "timeout", std::chrono::seconds{1}, out.timeout);
    const bool is_http =
        out.kind == ChannelKind::webhook || out.kind == ChannelKind::slack || out.kind == ChannelKind::ntfy;
    if (is_http && out.url.empty() == out.url_file.empty())
        table.fail("url", out.url.empty() ? "is missing" : "and 'url_file' exclude each other",
                   "say url = \"https://...\", or url_file = \"FILE\" if the address is a secret");
    if (out.kind == ChannelKind::email &&
        (out.to.empty() || out.to.find_first_of("\r\n\t ,") != std::string::npos || out.to.starts_with('-')))
        table.fail("to", out.to.empty() ? "is missing" : "is not one address", "to = \"ops@example.com\"");
    table.finish();
    return out;
}

}  // namespace detail

/// ALERT_WEBHOOK_URL and ALERT_WEBHOOK_SECRET (or ALERT_WEBHOOK_SECRET_FILE): a channel for hosts without a configuration. `lookup` is
/// a variable's value, nothing if it is not set. Throws: config.
template <class Lookup>
void add_environment_channel(AlertsConfig& alerts, const Lookup& lookup) {
    const auto value = [&](const char* name) { return lookup(name).value_or(""); };
    const std::string url = value("ALERT_WEBHOOK_URL");
    if (url.empty()) return;
    if (!url.starts_with("https://") && !url.starts_with("http://"))
        throw Error(Kind::config, "ALERT_WEBHOOK_URL is not an http or https address",
                    "write https://host/path");
    ChannelConfig channel;
    channel.name = kEnvironmentChannel;
    channel.at_least = Severity::info;
    channel.url = url;
    channel.secret = value("ALERT_WEBHOOK_SECRET");
    if (channel.secret.empty()) channel.secret_file = value("ALERT_WEBHOOK_SECRET_FILE");
    alerts.channels.push_back(channel);
}

/// `folder` is the configuration's. Throws: config.
inline AlertsConfig read_alerts(TomlTable& table, const std::filesystem::path& folder) {
    AlertsConfig out;
    detail::read_file_name(table, "spool", folder, out.spool);
    if (const auto most = table.whole_number("max_buffered")) {
        if (*most < 1 || *most > 100'000) table.fail("max_buffered", "is not between 1 and 100000");
        out.max_buffered = static_cast<std::uint64_t>(*most);
    }
    detail::read_duration(table, "repeat_after", std::chrono::seconds{0}, out.repeat_after);
    out.on_success = table.flag("on_success").value_or(false);
    detail::read_url(table, "ping", out.ping);
    detail::read_file_name(table, "ping_file", folder, out.ping_file);
    std::map<std::string, TomlPlace> seen;
    for (TomlTable& channel : table.tables("channel")) {
        out.channels.push_back(detail::read_channel(channel, folder));
        const auto [first, is_new] = seen.emplace(out.channels.back().name, channel.place("name"));
        if (!is_new)
            channel.fail("name", in_quotes(out.channels.back().name) + " is used twice",
                         "the first one is in line " + std::to_string(first->second.line));
    }
    table.finish();
    return out;
}

}  // namespace holdfast
