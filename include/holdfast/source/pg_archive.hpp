// source/pg_archive.hpp - follows a custom dump of pg_dump to its end, as its bytes go by: is every block there that was announced?
//
// The format has no end mark. Its table of contents says how many entries have data, each of these is one block of chunks with a
// length in front, and the last chunk of a block is empty: so a dump that was cut off anywhere is found out. Format: PostgreSQL,
// pg_backup_archiver.c (head, contents) and pg_backup_custom.c (blocks); versions 1.12 (9.0) to 1.16. Of others nothing is said.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "holdfast/base/bytes.hpp"

namespace holdfast {

/// The head and the table of contents of a custom dump.
class PgContents {
public:
    explicit PgContents(ByteSpan bytes) : bytes_(bytes) {}

    /// False if there are bytes missing. Afterwards the results below are known.
    bool read() {
        at_ = 5;  // "PGDMP"
        version_ = number(1) << 8;
        version_ |= number(1);
        number(1);  // revision
        integer_bytes = static_cast<std::size_t>(number(1));
        const auto offset_bytes = static_cast<std::size_t>(number(1));
        number(1);  // 'custom'
        if (is_short_ || !is_known()) return !is_short_;
        if (version_ >= 0x10f)
            number(1);
        else
            integer();                          // compression
        for (int i = 0; i < 7; ++i) integer();  // time
        for (int i = 0; i < 3; ++i) text();     // database, versions of server and client
        const std::int64_t entries = integer();
        for (std::int64_t i = 0; i < entries && !is_short_; ++i) entry(offset_bytes);
        return !is_short_;
    }
    bool is_known() const {
        return version_ >= 0x10c && version_ <= 0x110 && integer_bytes >= 1 && integer_bytes <= 8;
    }
    std::size_t end() const { return at_; }

    std::size_t integer_bytes = 0;  // beside the byte of its sign
    std::uint64_t blocks = 0;       // that follow

private:
    static constexpr std::uint64_t kNoData = 3;

    void entry(std::size_t offset_bytes) {
        integer();  // its number
        const bool has_data = integer() != 0;
        for (int i = 0; i < 4; ++i) text();  // table oid, oid, tag, description
        integer();                           // section
        for (int i = 0; i < 5; ++i) text();  // definition, drop, copy, schema, tablespace
        if (version_ >= 0x10e) text();       // table access method
        if (version_ >= 0x110) integer();    // kind of relation
        text();                              // owner
        text();                              // with oids
        while (text() && !is_short_) {}      // what it depends on
        if (number(1) != kNoData && has_data) ++blocks;
        skip(offset_bytes);
    }
    void skip(std::uint64_t n) {
        if (n > bytes_.size() - at_)
            is_short_ = true;
        else
            at_ += static_cast<std::size_t>(n);
    }
    std::uint64_t number(std::size_t n) {
        const std::size_t begin = at_;
        skip(n);
        if (is_short_) return 0;
        std::uint64_t value = 0;
        for (std::size_t i = n; i > 0; --i)
            value = value << 8 | std::to_integer<std::uint64_t>(bytes_[begin + i - 1]);
        return value;
    }
    std::int64_t integer() {
        const bool is_negative = number(1) != 0;
        const auto value = static_cast<std::int64_t>(number(integer_bytes));
        return is_negative ? -value : value;
    }
    /// False for none at all.
    bool text() {
        const std::int64_t length = integer();
        if (length > 0) skip(static_cast<std::uint64_t>(length));
        return length >= 0;
    }

    ByteSpan bytes_;
    std::size_t at_ = 0;
    std::uint64_t version_ = 0;
    bool is_short_ = false;
};

class PgArchive {
public:
    /// The next bytes of the dump. Holds its table of contents in memory, nothing of the data.
    void write(ByteSpan bytes) {
        if (!is_read_) {
            head_.insert(head_.end(), bytes.begin(), bytes.end());
            if (head_.size() >= next_try_bytes_) read_head();
        } else {
            follow(bytes);
        }
    }
    /// Nothing more comes: was it all?
    bool is_whole() {
        if (!is_read_) read_head();
        if (!is_read_) return false;
        return !is_known_ || (!is_malformed_ && state_ == State::block && blocks_ == 0);
    }

private:
    enum class State { block, number, object, chunk, data };
    static constexpr std::byte kData{1}, kObjects{3};

    void read_head() {
        PgContents contents{ByteSpan(head_)};
        if (head_.size() < 16 || !contents.read()) {
            next_try_bytes_ = 2 * head_.size();  // in the end it was read twice
            return;
        }
        is_read_ = true;
        is_known_ = contents.is_known();
        blocks_ = contents.blocks;
        integer_bytes_ = contents.integer_bytes + 1;
        const Bytes head = std::move(head_);
        follow(ByteSpan(head).subspan(contents.end()));
    }
    void follow(ByteSpan bytes) {
        while (is_known_ && !is_malformed_ && !bytes.empty()) {
            std::size_t n = 1;
            if (state_ == State::data) {
                n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
                left_ -= n;
                if (left_ == 0) state_ = State::chunk;
            } else if (state_ == State::block) {
                begin_block(bytes.front());
            } else {
                value_ |=
                    filled_ == 0 ? 0 : std::to_integer<std::uint64_t>(bytes.front()) << (8 * (filled_ - 1));
                if (++filled_ == integer_bytes_) end_integer();
            }
            bytes = bytes.subspan(n);
        }
    }
    void begin_block(std::byte type) {
        is_malformed_ = blocks_ == 0 || (type != kData && type != kObjects);
        has_objects_ = type == kObjects;
        state_ = State::number;
        value_ = filled_ = 0;
    }
    void end_integer() {
        left_ = value_;
        value_ = filled_ = 0;
        if (state_ == State::number)
            state_ = has_objects_ ? State::object : State::chunk;
        else if (left_ > 0)
            state_ = state_ == State::object ? State::chunk : State::data;
        else if (state_ == State::chunk && has_objects_)
            state_ = State::object;  // the next one
        else
            end_block();
    }
    void end_block() {
        --blocks_;
        state_ = State::block;
    }

    Bytes head_;
    std::size_t next_try_bytes_ = 4096;
    bool is_read_ = false, is_known_ = false, is_malformed_ = false, has_objects_ = false;
    std::uint64_t blocks_ = 0;  // that are still to come
    State state_ = State::block;
    std::size_t integer_bytes_ = 5, filled_ = 0;
    std::uint64_t value_ = 0, left_ = 0;
};

}  // namespace holdfast
