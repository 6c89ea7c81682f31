// policy/words.hpp - the closed sets of words in a configuration, and the enums they stand for.
//
// The same words are used in TOML, JSON, manifests, flags and messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {

enum class SourceKind { sqlite, tree, command, postgres, redis };
enum class SourceClass { database, cache, config, logs, data };
enum class SnapshotType { full, hourly, pre_deployment, manual, emergency };
enum class VerifyAfter { none, plain, deep };

template <class E>
struct Words;
template <>
struct Words<SourceKind> {
    static constexpr std::pair<const char*, SourceKind> kAll[] = {{"sqlite", SourceKind::sqlite},
                                                                  {"tree", SourceKind::tree},
                                                                  {"command", SourceKind::command},
                                                                  {"postgres", SourceKind::postgres},
                                                                  {"redis", SourceKind::redis}};
};

/// Captured by its own client programs, restored into a server; everything else has a path or is just a stream.
inline bool is_server(SourceKind kind) { return kind == SourceKind::postgres || kind == SourceKind::redis; }
template <>
struct Words<SourceClass> {
    static constexpr std::pair<const char*, SourceClass> kAll[] = {{"database", SourceClass::database},
                                                                   {"cache", SourceClass::cache},
                                                                   {"config", SourceClass::config},
                                                                   {"logs", SourceClass::logs},
                                                                   {"data", SourceClass::data}};
};
template <>
struct Words<SnapshotType> {
    static constexpr std::pair<const char*, SnapshotType> kAll[] = {
        {"full", SnapshotType::full},
        {"hourly", SnapshotType::hourly},
        {"pre-deployment", SnapshotType::pre_deployment},
        {"manual", SnapshotType::manual},
        {"emergency", SnapshotType::emergency}};
};
template <>
struct Words<VerifyAfter> {
    static constexpr std::pair<const char*, VerifyAfter> kAll[] = {
        {"none", VerifyAfter::none}, {"plain", VerifyAfter::plain}, {"deep", VerifyAfter::deep}};
};

template <class E>
const char* word_for(E value) {
    for (const auto& [word, known] : Words<E>::kAll)
        if (known == value) return word;
    return "?";
}

template <class E>
std::optional<E> parse_word(std::string_view text) {
    for (const auto& [word, value] : Words<E>::kAll)
        if (text == word) return value;
    return std::nullopt;
}

template <class E>
std::vector<std::string> words_of() {
    std::vector<std::string> out;
    for (const auto& [word, value] : Words<E>::kAll) out.emplace_back(word);
    return out;
}

}  // namespace holdfast
