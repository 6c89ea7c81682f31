// policy/toml_text.hpp - values as TOML that reads back to the same.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/units.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::detail {

/// The longest unit that loses nothing.
inline std::string duration_text(std::chrono::seconds duration) {
    if (duration >= kForever) return "forever";
    const auto s = duration.count();
    if (s != 0 && s % 86400 == 0) return std::to_string(s / 86400) + "d";
    if (s != 0 && s % 3600 == 0) return std::to_string(s / 3600) + "h";
    if (s != 0 && s % 60 == 0) return std::to_string(s / 60) + "m";
    return std::to_string(s) + "s";
}

inline std::string toml_text(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : json_text(text)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte < 0x20 || byte == 0x7F) {
            out += std::string("\\u00") + kDigits[byte >> 4] + kDigits[byte & 15U];
        } else {
            out += c;
        }
    }
    return out + "\"";
}

inline std::string toml_list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + toml_text(text);
    return out + "]";
}

inline Json json_list(const std::vector<std::string>& texts) {
    Json out = Json::array();
    for (const std::string& text : texts) out.push_back(json_text(text));
    return out;
}

inline std::string toml_line(const char* key, const std::string& value) {
    return std::string(key) + " = " + value + "\n";
}

}  // namespace holdfast::detail
