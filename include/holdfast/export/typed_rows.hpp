// export/typed_rows.hpp - makes values fit a sink whose columns have one type each.
//
// A column of type text holds cells as cell_text.hpp writes them, so that it takes any value. A value that does not fit
// another type throws DoesNotFit: the caller looks at all values, widens the column and begins again.
#pragma once

#include <array>

#include "holdfast/export/cell_text.hpp"
#include "holdfast/export/column_types.hpp"
#include "holdfast/export/text_buffer.hpp"
#include "holdfast/export/time_shape.hpp"

namespace holdfast {

struct DoesNotFit {
    std::size_t column = 0;
};

class TypedRows final : public RowSink {
public:
    TypedRows(RowSink& sink, CellMarks& marks) : sink_(sink), marks_(marks) {}

    void begin(const std::vector<ExportColumn>& columns) override {
        columns_ = columns;
        fitted_.resize(columns.size());
        cells_.resize(columns.size());
        sink_.begin(columns);
    }
    void row(std::span<const ExportValue> values) override {
        for (std::size_t i = 0; i < values.size(); ++i) fitted_[i] = fit(i, values[i]);
        sink_.row(fitted_);
    }
    void finish() override { sink_.finish(); }

private:
    ExportValue fit(std::size_t i, const ExportValue& value) {
        if (value.index() == 0) return value;
        switch (columns_[i].type) {
            case ColumnType::timestamp: return time(i, value);
            case ColumnType::integer:
                if (value.index() != 1) throw DoesNotFit{i};
                return value;
            case ColumnType::real:
                if (const auto* n = std::get_if<std::int64_t>(&value)) return exact(i, *n);
                if (value.index() != 2) throw DoesNotFit{i};
                return value;
            case ColumnType::blob:
                if (value.index() != 4) throw DoesNotFit{i};
                return value;
            case ColumnType::text: break;
        }
        return as_cell(i, value);
    }
    std::int64_t time(std::size_t i, const ExportValue& value) const {
        const auto* text = std::get_if<std::string_view>(&value);
        const auto micros = text == nullptr ? std::nullopt : micros_of(*text, columns_[i].time_shape);
        if (!micros) throw DoesNotFit{i};
        return *micros;
    }
    double exact(std::size_t i, std::int64_t n) const {
        if (n > std::int64_t{1} << 53 || n < -(std::int64_t{1} << 53) ||
            !makes_integers(affinity_of(columns_[i].declared)))
            throw DoesNotFit{i};
        return static_cast<double>(n);
    }

    ExportValue as_cell(std::size_t i, const ExportValue& value) {
        const CellRule rule = columns_[i].cells;
        std::string& cell = cells_[i];
        if (const auto* text = std::get_if<std::string_view>(&value)) {
            const bool is_odd = !is_utf8_text(*text);
            if (is_odd) ++marks_.not_utf8;
            const bool is_ambiguous = rule == CellRule::number && reads_as_number(*text);
            if (!is_odd && !is_ambiguous && !has_cell_mark(*text)) return value;
            cell = is_odd ? "\\u:" + to_base64(*text) : "\\t:" + std::string(*text);
            return std::string_view(cell);
        }
        const bool is_plain_number = rule == CellRule::number && value.index() != 4;
        if (!is_plain_number) ++marks_.other_type;
        cell.clear();
        if (!is_plain_number) cell = value.index() == 1 ? "\\i:" : value.index() == 2 ? "\\r:" : "\\b:";
        append(cell, value);
        return std::string_view(cell);
    }
    static void append(std::string& cell, const ExportValue& value) {
        std::array<char, kMaxNumberText + 2> room{};
        char* end = room.data();
        if (const auto* n = std::get_if<std::int64_t>(&value))
            end = std::to_chars(end, end + room.size(), *n).ptr;
        if (const auto* real = std::get_if<double>(&value)) end = write_real(end, *real);
        cell.append(room.data(), end);
        if (const auto* blob = std::get_if<ByteSpan>(&value)) cell += to_base64(as_text(*blob));
    }

    RowSink& sink_;
    CellMarks& marks_;
    std::vector<ExportColumn> columns_;
    std::vector<ExportValue> fitted_;
    std::vector<std::string> cells_;  // what the views of a row point to
};

}  // namespace holdfast
