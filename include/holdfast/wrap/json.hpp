// wrap/json.hpp - JSON read as untrusted input, and fields that name what is wrong with them.
//
// parse_json() refuses text over its limit, nesting over 64 levels, duplicate keys and invalid UTF-8
// before anything uses the value. dump_json() never fails: text that is not UTF-8 is escaped first.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

using Json = nlohmann::ordered_json;  // keys keep the order in which people want to read them

inline constexpr std::size_t kMaxJsonDepth = 64;  // ours nests 5 deep; the parser recurses, so bound it first

namespace detail {
inline void check_json_depth(std::string_view text, const std::string& what) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxJsonDepth) throw Error(Kind::corrupt, what + " is nested too deeply");
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
}
}  // namespace detail

/// `what` names the text in messages ("manifest of 2026…"). Throws: corrupt.
inline Json parse_json(std::string_view text, const std::string& what) {
    detail::check_json_depth(text, what);
    std::vector<std::set<std::string>> keys;
    bool duplicate = false;
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
        if (event == Json::parse_event_t::key && !keys.empty())
            duplicate = !keys.back().insert(value.get<std::string>()).second || duplicate;
        return true;
    };
    try {
        Json value = Json::parse(text.begin(), text.end(), watch);
        if (duplicate) throw Error(Kind::corrupt, what + " names a key twice");
        return value;
    } catch (const Json::exception& e) {
        throw Error(Kind::corrupt, what + " is not valid JSON: " + printable(e.what()));
    }
}

/// Text for a JSON string: valid UTF-8 as it is, anything else escaped as \xHH.
inline std::string json_text(std::string_view s) { return is_utf8(s) ? std::string{s} : printable(s); }

inline std::string dump_json(const Json& value, int indent = -1) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// Reads fields of one object; every miss or wrong type is Kind::corrupt and names the field.
class JsonFields {
public:
    JsonFields(const Json& object, std::string what) : object_(object), what_(std::move(what)) {
        if (!object_.is_object()) throw Error(Kind::corrupt, what_ + " is not an object");
    }
    const Json* find(const char* key) const {
        const auto at = object_.find(key);
        return at == object_.end() || at->is_null() ? nullptr : &*at;
    }
    const Json& at(const char* key) const {
        const Json* value = find(key);
        if (value == nullptr) fail(key, "is missing");
        return *value;
    }
    std::string text(const char* key) const {
        const Json& value = at(key);
        if (!value.is_string()) fail(key, "is not text");
        return value.get<std::string>();
    }
    std::string text_or(const char* key, const std::string& fallback) const {
        return find(key) == nullptr ? fallback : text(key);
    }
    std::uint64_t number(const char* key) const {
        const Json& value = at(key);
        if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0))
            fail(key, "is not a whole number");
        return value.get<std::uint64_t>();
    }
    std::int64_t signed_number(const char* key) const {
        const Json& value = at(key);
        if (!value.is_number_integer() ||
            (value.is_number_unsigned() &&
             value.get<std::uint64_t>() >
                 static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())))
            fail(key, "is not a whole number");
        return value.get<std::int64_t>();
    }
    const Json& array(const char* key) const {
        const Json& value = at(key);
        if (!value.is_array()) fail(key, "is not a list");
        return value;
    }
    /// A list of texts; none if the key is missing.
    std::vector<std::string> texts(const char* key) const {
        std::vector<std::string> out;
        if (find(key) == nullptr) return out;
        for (const Json& text : array(key)) {
            if (!text.is_string()) fail(key, "holds something that is not text");
            out.push_back(text.get<std::string>());
        }
        return out;
    }
    const std::string& what() const { return what_; }
    [[noreturn]] void fail(const char* key, const char* why) const {
        throw Error(Kind::corrupt, what_ + ": '" + key + "' " + why);
    }

private:
    const Json& object_;
    std::string what_;
};

}  // namespace holdfast
