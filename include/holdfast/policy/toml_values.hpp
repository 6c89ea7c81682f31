// policy/toml_values.hpp - values of a configuration that several of its sections have: text, paths, times, words, commands.
//
// Each reads one key if it is there and complains at its place if it makes no sense. Throws: config.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/units.hpp"
#include "holdfast/policy/words.hpp"
#include "holdfast/wrap/toml.hpp"

namespace holdfast::detail {

inline void check_text(TomlTable& table, const char* key, const std::string& text) {
    if (text.empty()) table.fail(key, "is empty");
    if (text.find('\0') != std::string::npos) table.fail(key, "holds a NUL character");
}

inline void check_path(TomlTable& table, const char* key, const std::string& path) {
    check_text(table, key, path);
    if (path == "~" || path.starts_with("~/"))
        table.fail(key, "begins with '~', which only a shell expands", "write the whole path");
}

/// Reads a duration into `out` if the key is there.
inline void read_duration(TomlTable& table, const char* key, std::chrono::seconds least,
                          std::chrono::seconds& out) {
    const std::optional<std::string> text = table.text(key);
    if (!text) return;
    const auto duration = parse_duration(*text);
    if (!duration)
        table.fail(key, "is not a duration: " + in_quotes(*text), "write 90s, 15m, 6h, 30d or forever");
    if (*duration < least) table.fail(key, "is shorter than " + format_duration(least));
    out = *duration;
}

/// Reads a share into `out` if the key is there.
inline void read_share(TomlTable& table, const char* key, double& out) {
    const std::optional<std::string> text = table.text(key);
    if (!text) return;
    const auto share = parse_percent(*text);
    if (!share) table.fail(key, "is not a share: " + in_quotes(*text), "write 50%, 0.5% or 100%");
    out = *share;
}

/// Reads one of a few words into `out` if the key is there.
template <class E>
void read_word(TomlTable& table, const char* key, E& out) {
    const std::optional<std::string> text = table.text(key);
    if (!text) return;
    const std::optional<E> value = parse_word<E>(*text);
    if (!value) table.fail(key, "cannot be " + in_quotes(*text), did_you_mean(*text, words_of<E>()));
    out = *value;
}

/// Text is one line for bash, a list is an argv; `hint` shows how it is written.
inline void read_command(TomlTable& table, const char* key, const char* hint,
                         std::vector<std::string>& command, bool& shell) {
    shell = table.is_text(key);
    command = table.text_or_texts(key);
    if (command.empty()) table.fail(key, table.has(key) ? "is empty" : "is missing", hint);
    check_text(table, key, command[0]);
    for (const std::string& word : command)
        if (word.find('\0') != std::string::npos) table.fail(key, "holds a NUL character");
}

}  // namespace holdfast::detail
