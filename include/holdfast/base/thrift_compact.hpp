// base/thrift_compact.hpp - reads structs in the Thrift compact protocol, as untrusted input.
//
// The caller walks through a struct field by field and says which ones it wants; all others are skipped.
// Nothing is allocated, nesting is bounded, and a list cannot be longer than the bytes that hold it, so the
// time is proportional to the bytes. Every refusal is Kind::corrupt.
// Format: github.com/apache/thrift, doc/specs/thrift-compact-protocol.md.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "holdfast/base/byte_cursor.hpp"

namespace holdfast {

enum class ThriftType : std::uint8_t {
    stop = 0,  // ends a struct
    yes = 1,   // a field of type bool holds its value in its type
    no = 2,
    byte = 3,
    i16 = 4,
    i32 = 5,
    i64 = 6,
    real = 7,
    binary = 8,
    list = 9,
    set = 10,
    map = 11,
    structure = 12,
    uuid = 13,
};

class ThriftReader {
public:
    /// `what` names the bytes in messages and is a literal. The bytes must outlive the reader.
    ThriftReader(ByteSpan bytes, const char* what) : in_(bytes, what) {}

    /// Bytes that were not read yet.
    std::size_t left() const noexcept { return in_.left(); }

    /// Calls `visit(id, type)` for every field; it must read or skip() the value.
    template <class Visit>
    void read_struct(Visit visit) {
        const Nesting nesting(*this);
        std::int64_t id = 0;
        for (;;) {
            const unsigned header = in_.byte();
            const ThriftType type = known(header & 15U);
            if (type == ThriftType::stop) return;
            const unsigned delta = header >> 4;
            id = delta != 0 ? id + delta : in_.zigzag();
            if (id < 0 || id > std::numeric_limits<std::int16_t>::max())
                in_.fail("has a field with an impossible number");
            visit(static_cast<int>(id), type);
        }
    }
    template <class Visit>
    void read_struct(ThriftType type, Visit visit) {
        require(type == ThriftType::structure);
        read_struct(visit);
    }
    /// Calls `visit(type)` once per element; it must read or skip_element() it.
    template <class Visit>
    void read_list(ThriftType type, Visit visit) {
        require(type == ThriftType::list || type == ThriftType::set);
        const Nesting nesting(*this);
        const unsigned header = in_.byte();
        const ThriftType element = known(header & 15U);
        require(element != ThriftType::stop);
        const std::uint64_t count = header >> 4 == 15 ? in_.varint() : header >> 4;
        if (count > in_.left()) in_.fail("has a list that is longer than its bytes");
        for (std::uint64_t i = 0; i < count; ++i) visit(element);
    }
    /// Any whole number.
    std::int64_t integer(ThriftType type) {
        if (type == ThriftType::byte) return static_cast<std::int8_t>(in_.byte());
        require(type == ThriftType::i16 || type == ThriftType::i32 || type == ThriftType::i64);
        return in_.zigzag();
    }
    /// A whole number that is a count, a length or an offset.
    std::uint64_t count(ThriftType type) {
        const std::int64_t value = integer(type);
        if (value < 0) in_.fail("has a negative length");
        return static_cast<std::uint64_t>(value);
    }
    /// A field, not an element of a list.
    bool flag(ThriftType type) const {
        require(type == ThriftType::yes || type == ThriftType::no);
        return type == ThriftType::yes;
    }
    /// Lies in the bytes that are read.
    std::string_view text(ThriftType type) {
        require(type == ThriftType::binary);
        return as_text(in_.take(in_.varint()));
    }
    void skip(ThriftType type) {
        switch (type) {
            case ThriftType::stop:
            case ThriftType::yes:
            case ThriftType::no: return;
            case ThriftType::byte: in_.take(1); return;
            case ThriftType::i16:
            case ThriftType::i32:
            case ThriftType::i64: in_.varint(); return;
            case ThriftType::real: in_.take(8); return;
            case ThriftType::uuid: in_.take(16); return;
            case ThriftType::binary: in_.take(in_.varint()); return;
            case ThriftType::list:
            case ThriftType::set: return read_list(type, [&](ThriftType element) { skip_element(element); });
            case ThriftType::map: return skip_map();
            case ThriftType::structure: return read_struct([&](int, ThriftType field) { skip(field); });
        }
    }
    /// Elements of lists and maps: a bool is a byte there.
    void skip_element(ThriftType type) {
        const bool is_flag = type == ThriftType::yes || type == ThriftType::no;
        skip(is_flag ? ThriftType::byte : type);
    }

private:
    static constexpr int kMaxNesting = 32;  // Parquet's own structs nest 6 deep

    struct Nesting {
        explicit Nesting(ThriftReader& r) : reader(r) {
            if (++reader.nesting_ > kMaxNesting) reader.in_.fail("is nested too deeply");
        }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        ~Nesting() { --reader.nesting_; }
        ThriftReader& reader;
    };

    ThriftType known(unsigned code) const {
        if (code > static_cast<unsigned>(ThriftType::uuid)) in_.fail("has a value of unknown type");
        return static_cast<ThriftType>(code);
    }
    void require(bool is_right) const {
        if (!is_right) in_.fail("has a value of the wrong type");
    }
    void skip_map() {
        const Nesting nesting(*this);
        const std::uint64_t count = in_.varint();
        if (count == 0) return;
        const unsigned types = in_.byte();
        const ThriftType key = known(types >> 4), value = known(types & 15U);
        require(key != ThriftType::stop && value != ThriftType::stop);
        if (count > in_.left()) in_.fail("has a map that is longer than its bytes");
        for (std::uint64_t i = 0; i < count; ++i) {
            skip_element(key);
            skip_element(value);
        }
    }

    ByteCursor in_;
    int nesting_ = 0;
};

}  // namespace holdfast
