// export/json_text.hpp - strict JSON (RFC 8259) of single values, as fast as the disk takes it.
#pragma once

#include "holdfast/export/cell_text.hpp"
#include "holdfast/export/text_buffer.hpp"

namespace holdfast {

/// `text` is UTF-8.
inline void put_json_string(TextBuffer& out, std::string_view text) {
    constexpr Special kSpecial{'"', '\\', '\x7F'};
    constexpr char kDigits[] = "0123456789abcdef";
    out.put('"');
    for (;;) {
        std::size_t n = plain_prefix(text, kSpecial);
        while (n < text.size() && static_cast<unsigned char>(text[n]) >= 0x7F)
            ++n;  // DEL and UTF-8 stand for themselves
        out.put(text.substr(0, n));
        text.remove_prefix(n);
        if (text.empty()) break;
        const auto c = static_cast<unsigned char>(text[0]);
        if (c == '"' || c == '\\') {
            out.put('\\');
            out.put(text[0]);
            text.remove_prefix(1);
        } else if (c < 0x20) {
            if (c == '\n' || c == '\r' || c == '\t') {
                out.put('\\');
                out.put(c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
            } else {
                out.put("\\u00");
                out.put(kDigits[c >> 4U]);
                out.put(kDigits[c & 15U]);
            }
            text.remove_prefix(1);
        }
    }
    out.put('"');
}

/// A value of a column with this rule; what JSON or the rule cannot say is an object with one key.
class JsonValues {
public:
    JsonValues(TextBuffer& out, CellMarks& marks) : out_(out), marks_(marks) {}

    void put(const ExportValue& value, CellRule rule) {
        switch (value.index()) {
            case 1: return out_.put(*std::get_if<std::int64_t>(&value));
            case 2: return put(*std::get_if<double>(&value));
            case 3: return put(*std::get_if<std::string_view>(&value), rule);
            case 4: return put(*std::get_if<ByteSpan>(&value), rule);
            default: return out_.put("null");
        }
    }

private:
    void put(double number) {
        if (std::isfinite(number)) return out_.put(number);
        ++marks_.infinite;
        out_.put(number < 0 ? R"({"real":"-Infinity"})" : R"({"real":"Infinity"})");
    }
    void put(std::string_view text, CellRule rule) {
        if (!is_plain(text, {'"', '\\', '\\'})) {
            if (!is_utf8_text(text)) {
                ++marks_.not_utf8;
                return put_object("text_base64", as_bytes(text));
            }
        } else if (rule != CellRule::base64) {
            out_.put('"');
            out_.put(text);
            return out_.put('"');
        }
        if (rule != CellRule::base64) return put_json_string(out_, text);
        ++marks_.other_type;
        out_.put(R"({"text":)");
        put_json_string(out_, text);
        out_.put('}');
    }
    void put(ByteSpan blob, CellRule rule) {
        if (rule != CellRule::base64) {
            ++marks_.other_type;
            return put_object("base64", blob);
        }
        out_.put('"');
        out_.put_base64(blob);
        out_.put('"');
    }
    void put_object(std::string_view key, ByteSpan bytes) {
        out_.put("{\"");
        out_.put(key);
        out_.put("\":\"");
        out_.put_base64(bytes);
        out_.put("\"}");
    }

    TextBuffer& out_;
    CellMarks& marks_;
};

}  // namespace holdfast
