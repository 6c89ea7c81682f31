// export/csv_sink.hpp - rows as CSV by RFC 4180: a header, CRLF, quotes where needed.
//
// NULL is nothing between commas, an empty text is "". In columns of numbers, text that reads as a number is quoted, so quotes
// say more here than in most files. Marks: cell_text.hpp. Nothing is changed to please spreadsheets.
#pragma once

#include "holdfast/export/cell_text.hpp"
#include "holdfast/export/text_buffer.hpp"

namespace holdfast {

class CsvSink final : public RowSink {
public:
    /// Marked values are counted in `marks`, which must outlive this.
    CsvSink(ByteSink out, CellMarks& marks) : out_(std::move(out)), marks_(marks) {}

    void begin(const std::vector<ExportColumn>& columns) override {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (i > 0) out_.put(',');
            put_text(is_utf8_text(columns[i].name) ? columns[i].name : printable(columns[i].name));
            rules_.push_back(columns[i].cells);
        }
        out_.put("\r\n");
    }

    void row(std::span<const ExportValue> values) override {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i > 0) out_.put(',');
            const ExportValue& value = values[i];
            switch (value.index()) {
                case 1: put(*std::get_if<std::int64_t>(&value), rules_[i]); break;
                case 2: put(*std::get_if<double>(&value), rules_[i]); break;
                case 3: put(*std::get_if<std::string_view>(&value), rules_[i]); break;
                case 4: put(*std::get_if<ByteSpan>(&value), rules_[i]); break;
                default: break;
            }
        }
        out_.put("\r\n");
    }
    void finish() override { out_.flush(); }

private:
    void put(std::int64_t number, CellRule rule) {
        if (rule != CellRule::number) mark("\\i:");
        out_.put(number);
    }
    void put(double number, CellRule rule) {
        if (rule != CellRule::number) mark("\\r:");
        if (!std::isfinite(number)) ++marks_.infinite;
        out_.put(number);
    }
    void put(std::string_view text, CellRule rule) {
        if (text.empty()) return out_.put(rule == CellRule::base64 ? "\\t:" : "\"\"");
        if (rule == CellRule::base64 && is_utf8_text(text)) {
            ++marks_.other_type;
            return put_quoted("\\t:", text);
        }
        if (rule == CellRule::number) {
            ++marks_.other_type;
            if (reads_as_number(text)) return put_quoted("", text);
        }
        const TextKind kind = kind_of_text(text);
        if (kind == TextKind::odd) return put_odd(text);
        if (kind == TextKind::plain && text.front() != ' ' && text.back() != ' ') return out_.put(text);
        out_.put('"');
        out_.put(text);
        out_.put('"');
    }
    void put(ByteSpan blob, CellRule rule) {
        if (rule != CellRule::base64) mark("\\b:");
        if (blob.empty() && rule == CellRule::base64) return out_.put("\"\"");
        out_.put_base64(blob);
    }
    void mark(std::string_view text) {
        ++marks_.other_type;
        out_.put(text);
    }
    void put_text(std::string_view name) {
        if (!name.empty() && kind_of_text(name) == TextKind::plain) return out_.put(name);
        put_quoted("", name);
    }
    void put_odd(std::string_view text) {
        if (!is_utf8_text(text)) {
            ++marks_.not_utf8;
            out_.put("\\u:");
            return out_.put_base64(as_bytes(text));
        }
        put_quoted(has_cell_mark(text) ? "\\t:" : "", text);
    }
    void put_quoted(std::string_view mark, std::string_view text) {
        out_.put('"');
        out_.put(mark);
        for (;;) {
            const std::size_t quote = text.find('"');
            out_.put(text.substr(0, quote));
            if (quote == std::string_view::npos) break;
            out_.put("\"\"");
            text.remove_prefix(quote + 1);
        }
        out_.put('"');
    }

    TextBuffer out_;
    CellMarks& marks_;
    std::vector<CellRule> rules_;
};

}  // namespace holdfast
