// export/csv_reader.hpp - CSV of any length, record by record, with the line and column of a mistake.
//
// RFC 4180: commas, quotes doubled inside quotes, CRLF or LF, line breaks inside quotes. A quote inside an unquoted cell and
// text after a closing one are mistakes. Memory: the longest record, at most kMaxRecord.
#pragma once

#include <array>
#include <cstring>
#include <deque>

#include "holdfast/base/units.hpp"
#include "holdfast/export/row.hpp"
#include "holdfast/wrap/json_stream.hpp"

namespace holdfast {

struct CsvCell {
    std::string_view text;
    bool is_quoted = false;
    bool is_null() const { return text.empty() && !is_quoted; }
};

class CsvReader {
public:
    CsvReader(PullBytes pull, std::string what) : pull_(std::move(pull)), what_(std::move(what)) {}
    CsvReader(const CsvReader&) = delete;
    CsvReader& operator=(const CsvReader&) = delete;

    /// The next record; false at the end. Cells are valid until the next call. Throws: corrupt.
    bool next(std::vector<CsvCell>& cells) {
        begin_ = at_;
        for (;;) {
            at_ = begin_;
            cells.clear();
            rooms_used_ = 0;
            if (read_record(cells)) return !cells.empty();
            fill();
        }
    }

    /// Says what is wrong with a cell of the present record.
    [[noreturn]] void refuse(const CsvCell& cell, const std::string& why) const {
        const char* const from = buffer_.data();
        const bool is_here = cell.text.data() >= from && cell.text.data() <= from + size_;
        refuse_at(is_here ? static_cast<std::size_t>(cell.text.data() - from) : begin_, why);
    }
    [[noreturn]] void refuse_record(const std::string& why) const { refuse_at(begin_, why); }

private:
    static constexpr std::size_t kMaxRecord =
        3_GiB;  // SQLite's longest value, in base64, and room for others

    /// False if the buffer ends before the record does and more may come.
    bool read_record(std::vector<CsvCell>& cells) {
        if (at_ == size_ && is_end_) return true;
        for (;;) {
            if (at_ == size_ && !is_end_) return false;
            CsvCell cell;
            const bool is_whole = at_ < size_ && buffer_[at_] == '"' ? read_quoted(cell) : read_plain(cell);
            if (!is_whole) return false;
            cells.push_back(cell);
            if (at_ == size_) return is_end_;
            if (buffer_[at_] == ',') {
                ++at_;
                continue;
            }
            if (buffer_[at_] == '\r') {
                if (at_ + 1 == size_) {
                    if (!is_end_) return false;
                    refuse_at(at_,
                              "a carriage return without a line feed; quote the cell if it belongs to it");
                }
                if (buffer_[at_ + 1] != '\n')
                    refuse_at(at_,
                              "a carriage return without a line feed; quote the cell if it belongs to it");
                ++at_;
            }
            ++at_;
            return true;
        }
    }

    bool read_plain(CsvCell& cell) {
        static constexpr auto kStops = [] {
            std::array<bool, 256> stops{};
            for (const char c : {',', '\n', '\r', '"'}) stops[static_cast<unsigned char>(c)] = true;
            return stops;
        }();
        const std::size_t from = at_;
        while (at_ < size_ && !kStops[static_cast<unsigned char>(buffer_[at_])]) ++at_;
        cell.text = std::string_view(buffer_.data() + from, at_ - from);
        if (at_ == size_) return is_end_;
        if (buffer_[at_] == '"') refuse_at(at_, "a quote inside a cell that does not begin with one");
        return true;
    }

    bool read_quoted(CsvCell& cell) {
        cell.is_quoted = true;
        std::string* room = nullptr;  // only where quotes are doubled
        std::size_t from = ++at_;
        for (;;) {
            const void* found = std::memchr(buffer_.data() + at_, '"', size_ - at_);
            if (found == nullptr) {
                if (is_end_) refuse_at(begin_, "the text ends inside quotes that are opened in this record");
                return false;
            }
            const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
            at_ = quote + 1;
            if (at_ == size_ && !is_end_) return false;
            const std::string_view piece(buffer_.data() + from, quote - from);
            if (at_ == size_ || buffer_[at_] != '"') {
                if (room != nullptr) room->append(piece);
                cell.text = room != nullptr ? std::string_view(*room) : piece;
                break;
            }
            if (room == nullptr) room = &fresh_room();
            room->append(piece).push_back('"');
            from = ++at_;
        }
        const bool is_ended =
            at_ == size_ || buffer_[at_] == ',' || buffer_[at_] == '\n' || buffer_[at_] == '\r';
        if (!is_ended) refuse_at(at_, "text after a closing quote; a quote inside quotes is written twice");
        return true;
    }

    std::string& fresh_room() {
        if (rooms_used_ == rooms_.size()) rooms_.emplace_back();
        std::string& room = rooms_[rooms_used_++];
        room.clear();
        return room;
    }

    /// Keeps the record that has begun and fills the room behind it, at least half of the buffer: a record is looked at from
    /// its beginning again, and must not be for every piece that comes.
    void fill() {
        count_lines(begin_);
        std::memmove(buffer_.data(), buffer_.data() + begin_, size_ - begin_);
        size_ -= std::exchange(begin_, 0);
        if (size_ > kMaxRecord) refuse_at(0, "a record is longer than " + format_bytes(kMaxRecord));
        if (size_ > buffer_.size() / 2) buffer_.resize(buffer_.size() * 2);
        const auto room = std::as_writable_bytes(std::span(buffer_));
        for (std::size_t n = 0; size_ < room.size() && !is_end_; size_ += n) {
            n = pull_(room.subspan(size_));
            is_end_ = n == 0;
        }
        constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
        const std::string_view text(buffer_.data(), size_);
        if (!std::exchange(is_first_, false)) return;
        if (text.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
        if (const char* why = other_encoding(text)) refuse_at(0, why);
    }

    void count_lines(std::size_t end) { past_ = position_of(end); }
    TextPosition position_of(std::size_t offset) const {
        TextPosition at = past_;
        std::size_t from = 0;
        while (const void* found = std::memchr(buffer_.data() + from, '\n', offset - from)) {
            from = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
            ++at.line;
            at.column = 0;
        }
        at.column += offset - from;
        return at;
    }
    [[noreturn]] void refuse_at(std::size_t offset, const std::string& why) const {
        TextPosition at = position_of(offset);
        ++at.column;
        refuse_text(what_, at, why);
    }

    PullBytes pull_;
    std::string what_;
    std::vector<char> buffer_ = std::vector<char>(1_MiB);
    std::size_t begin_ = 0, at_ = 0, size_ = 0;
    bool is_end_ = false, is_first_ = true;
    TextPosition past_;  // where the buffer begins
    std::deque<std::string> rooms_;
    std::size_t rooms_used_ = 0;
};

}  // namespace holdfast
