// wrap/json_stream.hpp - JSON of any length as events, in constant memory, with the line and column of a mistake.
//
// The text is untrusted: reals that no double holds are refused, integers beyond 64 bits keep their digits, nesting is
// whatever the receiver allows. The parser does not recurse.
#pragma once

#include <iterator>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

/// Receives what is read; a receiver that throws ends the reading.
class JsonEvents {
public:
    JsonEvents() = default;
    JsonEvents(const JsonEvents&) = delete;
    JsonEvents& operator=(const JsonEvents&) = delete;
    virtual ~JsonEvents() = default;

    virtual void null() = 0;
    virtual void boolean(bool value) = 0;
    virtual void integer(std::int64_t value) = 0;
    virtual void real(double value) = 0;
    virtual void wide_integer(std::string& digits) = 0;  // beyond 64 bits; may be moved from
    virtual void text(std::string& value) = 0;           // may be moved from
    virtual void begin_object() = 0;
    virtual void key(std::string& name) = 0;
    virtual void end_object() = 0;
    virtual void begin_array() = 0;
    virtual void end_array() = 0;
};

/// Where a reader of text is; both count from 1, columns in bytes.
struct TextPosition {
    std::uint64_t line = 1, column = 0;
};

/// For readers of UTF-8 that begin with `text`: names an encoding that its first bytes tell. Nothing if they tell none.
inline const char* other_encoding(std::string_view text) {
    const bool is_wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
    return is_wide ? "this is UTF-16; convert it to UTF-8, as by iconv -f UTF-16 -t UTF-8" : nullptr;
}

[[noreturn]] inline void refuse_text(const std::string& what, const TextPosition& at,
                                     const std::string& why) {
    throw Error(Kind::corrupt, what + ", line " + std::to_string(at.line) + ", column " +
                                   std::to_string(std::max<std::uint64_t>(at.column, 1)) + ": " + why);
}

class JsonStream {
public:
    JsonStream(PullBytes pull, std::string what) : pull_(std::move(pull)), what_(std::move(what)) {}
    JsonStream(const JsonStream&) = delete;
    JsonStream& operator=(const JsonStream&) = delete;

    const TextPosition& position() const { return position_; }
    [[noreturn]] void refuse(const std::string& why) const { refuse_text(what_, position_, why); }

    /// Reads one value; false if nothing but blanks is left. Throws: corrupt, and what the receiver throws.
    bool read(JsonEvents& events) {
        if (peek() >= 0 && is_first_) refuse_other_encoding();
        for (int c = peek(); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = peek()) take();
        if (peek() < 0) return false;
        Sax sax{events, *this};
        nlohmann::json::sax_parse(Iterator{this}, Iterator{nullptr}, &sax,
                                  nlohmann::json::input_format_t::json, false);
        return true;
    }

private:
    void refuse_other_encoding() {
        is_first_ = false;
        if (const char* why = other_encoding(as_text(ByteSpan(buffer_).first(size_)))) refuse(why);
    }
    int peek() {
        if (at_ == size_) {
            size_ = pull_(buffer_);
            at_ = 0;
        }
        return at_ == size_ ? -1 : std::to_integer<int>(buffer_[at_]);
    }
    void take() {
        if (buffer_[at_] == std::byte{'\n'}) {
            ++position_.line;
            position_.column = 0;
        } else {
            ++position_.column;
        }
        ++at_;
    }

    struct Iterator {
        using iterator_category = std::input_iterator_tag;
        using value_type = char;
        using difference_type = std::ptrdiff_t;
        using pointer = const char*;
        using reference = char;
        JsonStream* stream;
        char operator*() const { return static_cast<char>(stream->peek()); }
        Iterator& operator++() {
            stream->take();
            return *this;
        }
        Iterator operator++(int) {
            const Iterator old = *this;
            stream->take();
            return old;
        }
        bool is_end() const { return stream == nullptr || stream->peek() < 0; }
        bool operator==(const Iterator& o) const { return is_end() == o.is_end(); }
        bool operator!=(const Iterator& o) const { return !(*this == o); }
    };

    struct Sax {
        JsonEvents& events;
        JsonStream& stream;
        bool null() { return events.null(), true; }
        bool boolean(bool value) { return events.boolean(value), true; }
        bool number_integer(std::int64_t value) { return events.integer(value), true; }
        bool number_unsigned(std::uint64_t value) {
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                return number_float(0, std::to_string(value));
            return events.integer(static_cast<std::int64_t>(value)), true;
        }
        bool number_float(double value, const std::string& text) {
            if (text.find_first_of(".eE") != std::string::npos) return events.real(value), true;
            std::string digits = text;
            return events.wide_integer(digits), true;
        }
        bool string(std::string& value) { return events.text(value), true; }
        bool binary(nlohmann::json::binary_t&) { return false; }
        bool start_object(std::size_t) { return events.begin_object(), true; }
        bool key(std::string& name) { return events.key(name), true; }
        bool end_object() { return events.end_object(), true; }
        bool start_array(std::size_t) { return events.begin_array(), true; }
        bool end_array() { return events.end_array(), true; }
        bool parse_error(std::size_t, const std::string& last, const nlohmann::json::exception&) {
            const bool is_end = stream.peek() < 0;
            stream.refuse(is_end ? "the text ends in the middle of a value"
                                 : "this is not JSON, after " + in_quotes(last.substr(0, 40)));
        }
    };

    PullBytes pull_;
    std::string what_;
    Bytes buffer_ = Bytes(256_KiB);
    std::size_t at_ = 0, size_ = 0;
    bool is_first_ = true;
    TextPosition position_;
};

}  // namespace holdfast
