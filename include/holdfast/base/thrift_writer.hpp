// base/thrift_writer.hpp - writes structs in the Thrift compact protocol; thrift_compact.hpp reads them.
//
// Fields go from the lowest number to the highest. Lists hold structs, texts or small integers.
// Format: github.com/apache/thrift, doc/specs/thrift-compact-protocol.md.
#pragma once

#include <string_view>
#include <utility>

#include "holdfast/base/byte_writer.hpp"
#include "holdfast/base/thrift_compact.hpp"

namespace holdfast {

class ThriftWriter {
public:
    /// Appends to `out`, which must outlive the writer.
    explicit ThriftWriter(Bytes& out) : out_(out) {}

    /// `fields` writes the struct's fields: the outermost one, or an element of a list.
    template <class Fields>
    void write_struct(Fields fields) {
        const int outer = std::exchange(last_id_, 0);
        fields();
        out_.push_back(std::byte{0});
        last_id_ = outer;
    }
    template <class Fields>
    void write_struct(int id, Fields fields) {
        begin_field(id, ThriftType::structure);
        write_struct(fields);
    }
    /// `elements` writes exactly `count` of them.
    template <class Elements>
    void write_list(int id, ThriftType element, std::uint64_t count, Elements elements) {
        begin_field(id, ThriftType::list);
        const auto type = static_cast<unsigned>(element);
        if (count < 15) {
            out_.push_back(static_cast<std::byte>(count << 4 | type));
        } else {
            out_.push_back(static_cast<std::byte>(0xF0U | type));
            append_varint(out_, count);
        }
        elements();
    }
    void write_i32(int id, std::int32_t value) {
        begin_field(id, ThriftType::i32);
        append_zigzag(out_, value);
    }
    void write_i64(int id, std::uint64_t value) {
        begin_field(id, ThriftType::i64);
        append_zigzag(out_, static_cast<std::int64_t>(value));
    }
    void write_flag(int id, bool value) { begin_field(id, value ? ThriftType::yes : ThriftType::no); }
    void write_text(int id, std::string_view text) {
        begin_field(id, ThriftType::binary);
        write_text(text);
    }
    /// Elements of a list.
    void write_text(std::string_view text) {
        append_varint(out_, text.size());
        append(out_, as_bytes(text));
    }
    void write_i32(std::int32_t value) { append_zigzag(out_, value); }

private:
    void begin_field(int id, ThriftType type) {
        const int delta = id - std::exchange(last_id_, id);
        if (delta > 0 && delta < 16) {
            out_.push_back(
                static_cast<std::byte>(static_cast<unsigned>(delta) << 4 | static_cast<unsigned>(type)));
            return;
        }
        out_.push_back(static_cast<std::byte>(type));
        append_zigzag(out_, id);
    }

    Bytes& out_;
    int last_id_ = 0;
};

}  // namespace holdfast
