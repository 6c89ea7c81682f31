// export/json_rows.hpp - rows out of JSON: a list of objects, at the top or under a key of the document, or one per line.
//
// Values are as JsonSink writes them; in other programs' JSON, true and false are 1 and 0, an integer beyond 64 bits is the
// text of its digits, and a list or an object inside a row is refused. Keys may be missing (NULL) and in any order.
#pragma once

#include <deque>
#include <unordered_map>

#include "holdfast/export/cell_text.hpp"
#include "holdfast/wrap/json_stream.hpp"

namespace holdfast {

enum class JsonShape { document, lines };

class JsonRows final : public JsonEvents {
public:
    using OnRow = std::function<void(std::span<const ExportValue>)>;

    /// Without columns, every key that occurs becomes one: then look at columns() too. What is given must outlive this.
    JsonRows(JsonStream& stream, JsonShape shape, const std::vector<ExportColumn>& columns, OnRow row)
        : stream_(stream), shape_(shape), finds_columns_(columns.empty()), row_(std::move(row)) {
        for (const ExportColumn& c : columns) add_column(c);
    }

    /// All of the stream. Throws: corrupt, and what the receiver of rows throws.
    void read() {
        while (stream_.read(*this)) {
            if (at_ != At::top) stream_.refuse("its lists and objects are not those of a table");
            if (shape_ == JsonShape::document && std::exchange(has_document_, true))
                stream_.refuse("a second document; objects line by line are .ndjson");
        }
        if (shape_ == JsonShape::document && !has_rows_) stream_.refuse("there is no list of objects in it");
    }
    const std::vector<ExportColumn>& columns() const { return columns_; }

private:
    enum class At { top, document, skipped, rows, row, mark };

    void null() override { put({}); }
    void boolean(bool b) override { put(std::int64_t{b ? 1 : 0}); }
    void integer(std::int64_t n) override { put(n); }
    void real(double n) override { put(n); }
    void wide_integer(std::string& digits) override {
        if (at_ == At::mark) refuse_nested();
        text(digits);
    }
    void text(std::string& text) override {
        if (at_ == At::mark) return put_marked(text);
        if (at_ != At::row) return put(std::string_view(text));
        const std::size_t column = find_column();
        std::string& room = rooms_[column];
        room = std::move(text);
        if (columns_[column].cells != CellRule::base64) return set(column, std::string_view(room));
        decode(room);
        set(column, as_bytes(room));
    }

    void begin_object() override {
        if (at_ == At::mark) refuse_nested();
        if (at_ == At::row) {
            at_ = At::mark;
            marked_ = find_column();
            is_marked_ = false;
        } else if (at_ == At::rows || (at_ == At::top && shape_ == JsonShape::lines)) {
            at_ = At::row;
            values_.assign(columns_.size(), {});
            next_ = 0;
        } else if (at_ == At::top) {
            at_ = At::document;
        } else {
            skip();
        }
    }
    void key(std::string& name) override { (at_ == At::mark ? mark_ : key_) = name; }
    void end_object() override {
        if (at_ == At::skipped) return unskip();
        if (at_ == At::mark) {
            if (!is_marked_) refuse_nested();
            at_ = At::row;
        } else if (at_ == At::row) {
            at_ = shape_ == JsonShape::lines ? At::top : At::rows;
            row_(values_);
        } else {
            at_ = At::top;
        }
    }
    void begin_array() override {
        if (at_ == At::row || at_ == At::mark) refuse_nested();
        if (shape_ == JsonShape::lines) stream_.refuse("a line is an object");
        if ((at_ == At::top || at_ == At::document) && !has_rows_) {
            around_ = at_;
            at_ = At::rows;
            has_rows_ = true;
        } else {
            if (at_ == At::rows) stream_.refuse("a row is an object");
            if (at_ == At::document) stream_.refuse("a second list: one file holds one table");
            skip();
        }
    }
    void end_array() override {
        if (at_ == At::skipped) return unskip();
        at_ = around_;
    }

    /// Only what lies beside the rows is of no interest.
    void skip() {
        if (at_ != At::document && at_ != At::skipped) stream_.refuse("this is no part of a table");
        at_ = At::skipped;
        ++depth_;
    }
    void unskip() {
        if (--depth_ == 0) at_ = At::document;
    }
    [[noreturn]] void refuse_nested() const {
        stream_.refuse("column " + in_quotes(key_) +
                       " holds a list or an object, which is no value of a table");
    }

    void add_column(const ExportColumn& column) {
        numbers_.emplace(column.name, columns_.size());
        columns_.push_back(column);
        rooms_.emplace_back();
        values_.emplace_back();
    }
    std::size_t find_column() {
        if (next_ < columns_.size() && columns_[next_].name == key_) return next_++;
        auto at = numbers_.find(key_);
        if (at == numbers_.end()) {
            if (!finds_columns_) stream_.refuse("the table has no column " + in_quotes(key_));
            add_column({key_, ColumnType::text, "", true, CellRule::number});
            at = numbers_.find(key_);
        }
        next_ = at->second + 1;
        return at->second;
    }
    void set(std::size_t column, const ExportValue& value) { values_[column] = value; }
    void put(const ExportValue& value) {
        if (at_ == At::mark) refuse_nested();
        if (at_ == At::rows) stream_.refuse("a row is an object");
        if (at_ == At::top)
            stream_.refuse(shape_ == JsonShape::lines ? "a line is an object"
                                                      : "a list of objects is expected");
        if (at_ == At::row) set(find_column(), value);
    }
    void put_marked(std::string& text) {
        std::string& room = rooms_[marked_];
        room = std::move(text);
        if (mark_ == "text") {
            set(marked_, std::string_view(room));
        } else if (mark_ == "real" && (room == "Infinity" || room == "-Infinity")) {
            set(marked_, number_of_cell(room));
        } else if (mark_ == "base64" || mark_ == "text_base64") {
            decode(room);
            set(marked_,
                mark_ == "base64" ? ExportValue{as_bytes(room)} : ExportValue{std::string_view(room)});
        } else {
            refuse_nested();
        }
        is_marked_ = true;
    }
    void decode(std::string& room) const {
        std::optional<std::string> bytes = from_base64(room);
        if (!bytes) stream_.refuse("column " + in_quotes(key_) + ": this is not base64");
        room = *std::move(bytes);
    }

    JsonStream& stream_;
    JsonShape shape_;
    bool finds_columns_;
    OnRow row_;
    At at_ = At::top, around_ = At::top;
    bool has_document_ = false, has_rows_ = false, is_marked_ = false;
    unsigned depth_ = 0;  // of what is skipped
    std::string key_, mark_;
    std::size_t marked_ = 0;  // the column of a marked value
    std::vector<ExportColumn> columns_;
    std::unordered_map<std::string, std::size_t> numbers_;
    std::vector<ExportValue> values_;
    std::deque<std::string> rooms_;  // the texts of a row
    std::size_t next_ = 0;           // the column that is expected
};

}  // namespace holdfast
