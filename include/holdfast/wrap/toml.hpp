// wrap/toml.hpp - TOML by toml++, read strictly: every complaint says file:line:column.
//
// parse() refuses text over 1 MiB and nesting over 64 levels before the recursive parser sees it.
// A TomlTable remembers which keys were asked for: finish() complains about the first one that nobody
// knows, with the nearest known key as a hint. Every failure here is Kind::config.
#pragma once

#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

inline constexpr std::uint64_t kMaxTomlBytes = 1_MiB;  // a configuration of 1000 sources has 200 KiB
inline constexpr std::size_t kMaxTomlDepth = 64;       // ours nests 2 deep

/// "file:line:column", as compilers write it.
struct TomlPlace {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    std::string text() const { return file + ":" + std::to_string(line) + ":" + std::to_string(column); }
};

namespace detail {

inline TomlPlace toml_place(const std::string& file, const toml::source_region& at) {
    return {file, at.begin.line, at.begin.column};
}

/// End of the string or comment that starts at text[i]; i + 1 if neither starts there.
inline std::size_t skip_toml_token(std::string_view text, std::size_t i) {
    const char c = text[i];
    if (c == '#') return std::min(text.find('\n', i), text.size());
    if (c != '"' && c != '\'') return i + 1;
    const std::string three(3, c);
    const bool is_long = text.substr(i).starts_with(three);
    for (i += is_long ? 3 : 1; i < text.size(); ++i) {
        if (c == '"' && text[i] == '\\') {
            ++i;
        } else if (is_long ? text.substr(i).starts_with(three) : text[i] == c) {
            i += is_long ? 3 : 1;
            // One or two quotes more belong to a long string: """a""""" holds a"".
            for (int more = 0; is_long && more < 2 && i < text.size() && text[i] == c; ++more) ++i;
            return i;
        } else if (!is_long && text[i] == '\n') {
            return i;
        }
    }
    return text.size();
}

/// Brackets and dotted keys both nest, and the parser and its tables recurse along them.
inline void check_toml_depth(std::string_view text, const std::string& file) {
    std::size_t brackets = 0, dots = 0;
    std::uint32_t line = 1;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        const std::size_t next = skip_toml_token(text, i);
        if (c == '[' || c == '{') ++brackets;
        if ((c == ']' || c == '}') && brackets > 0) --brackets;
        if (c == '.') ++dots;
        if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') dots = 0;
        if (brackets + dots > kMaxTomlDepth)
            throw Error(Kind::config, file + ":" + std::to_string(line) + ":1: nested too deeply",
                        "holdfast needs three levels");
        line +=
            static_cast<std::uint32_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                                                  text.begin() + static_cast<std::ptrdiff_t>(next), '\n'));
        i = next;
    }
}

}  // namespace detail

/// One table. Refers to the TomlDocument that it came from, which must outlive it.
class TomlTable {
public:
    TomlTable(const toml::table& table, std::string file) : table_(table), file_(std::move(file)) {}

    bool has(const char* key) { return find(key) != nullptr; }
    std::optional<std::string> text(const char* key) { return value<std::string>(key, "text in quotes"); }
    std::optional<std::int64_t> whole_number(const char* key) {
        return value<std::int64_t>(key, "a whole number");
    }
    std::optional<bool> flag(const char* key) { return value<bool>(key, "true or false"); }

    /// A list of strings; empty if the key is absent.
    std::vector<std::string> texts(const char* key) {
        std::vector<std::string> out;
        const toml::node* node = find(key);
        if (node == nullptr) return out;
        if (!node->is_array()) wrong_type(*node, key, "a list of texts in quotes");
        for (const toml::node& item : *node->as_array()) {
            if (!item.is_string()) wrong_type(item, key, "a list of texts in quotes");
            out.push_back(item.as_string()->get());
        }
        return out;
    }
    bool is_text(const char* key) {
        const toml::node* node = find(key);
        return node != nullptr && node->is_string();
    }
    /// "x" reads like ["x"].
    std::vector<std::string> text_or_texts(const char* key) {
        if (is_text(key)) return {*text(key)};
        return texts(key);
    }
    std::optional<TomlTable> table(const char* key) {
        const toml::node* node = find(key);
        if (node == nullptr) return std::nullopt;
        if (!node->is_table()) wrong_type(*node, key, "a section: [" + std::string(key) + "]");
        return TomlTable(*node->as_table(), file_);
    }
    /// The tables written [[key]], in the order of the file.
    std::vector<TomlTable> tables(const char* key) {
        std::vector<TomlTable> out;
        const toml::node* node = find(key);
        if (node == nullptr) return out;
        const std::string wanted = "a list of sections: [[" + std::string(key) + "]]";
        if (!node->is_array()) wrong_type(*node, key, wanted);
        for (const toml::node& item : *node->as_array()) {
            if (!item.is_table()) wrong_type(item, key, wanted);
            out.emplace_back(*item.as_table(), file_);
        }
        return out;
    }

    /// Complains about the first key, in the order of the file, that was never asked for.
    void finish() const {
        const toml::key* first = nullptr;
        for (const auto& [key, node] : table_)
            if (std::find(known_.begin(), known_.end(), key.str()) == known_.end() &&
                (first == nullptr || key.source().begin < first->source().begin))
                first = &key;
        if (first == nullptr) return;
        throw Error(
            Kind::config,
            detail::toml_place(file_, first->source()).text() + ": unknown key " + in_quotes(first->str()),
            did_you_mean(first->str(), known_));
    }

    std::string where() const { return detail::toml_place(file_, table_.source()).text(); }
    /// Where the value of `key` stands; the table itself if it is absent.
    TomlPlace place(const char* key) const {
        const toml::node* node = table_.get(key);
        return detail::toml_place(file_, node == nullptr ? table_.source() : node->source());
    }
    /// "file:line:column: 'key' <why>".
    [[noreturn]] void fail(const char* key, const std::string& why, const std::string& hint = {}) const {
        throw Error(Kind::config, place(key).text() + ": '" + key + "' " + why, hint);
    }

private:
    const toml::node* find(const char* key) {
        if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
        return table_.get(key);
    }
    template <class T>
    std::optional<T> value(const char* key, const char* wanted) {
        const toml::node* node = find(key);
        if (node == nullptr) return std::nullopt;
        if (!node->is<T>()) wrong_type(*node, key, wanted);
        return node->ref<T>();
    }
    [[noreturn]] void wrong_type(const toml::node& node, const char* key, const std::string& wanted) const {
        throw Error(Kind::config,
                    detail::toml_place(file_, node.source()).text() + ": '" + key + "' must be " + wanted);
    }

    const toml::table& table_;
    std::string file_;
    std::vector<std::string> known_;
};

class TomlDocument {
public:
    /// `file` names the text in messages. Throws: config.
    static TomlDocument parse(std::string_view text, const std::string& file) {
        if (text.size() > kMaxTomlBytes)
            throw Error(Kind::config, in_quotes(file) + " is larger than " + format_bytes(kMaxTomlBytes),
                        "is that really a configuration file?");
        detail::check_toml_depth(text, printable(file));
        try {
            return TomlDocument(toml::parse(text), printable(file));
        } catch (const toml::parse_error& e) {
            throw Error(Kind::config, detail::toml_place(printable(file), e.source()).text() + ": " +
                                          printable(e.description()));
        }
    }
    TomlTable root() const { return {*table_, file_}; }

private:
    TomlDocument(toml::table&& table, std::string file)
        : table_(std::make_unique<toml::table>(std::move(table))), file_(std::move(file)) {}

    std::unique_ptr<toml::table> table_;  // on the heap, so that views stay valid when this moves
    std::string file_;
};

}  // namespace holdfast
