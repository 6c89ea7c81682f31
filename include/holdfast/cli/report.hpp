// cli/report.hpp - rows as an aligned table for people or as TSV for programs.
//
// Cells hold anything: a table shows control bytes as \xHH; in TSV a backslash, tab or line break inside a
// cell becomes \\ \t \n \r and other control bytes \xHH, so a line is always one row.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/text.hpp"

namespace holdfast::cli {

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

using Row = std::vector<std::string>;

inline std::string tsv_cell(std::string_view cell) {
    std::string out;
    for (const char c : cell) {
        if (c == '\\')
            out += "\\\\";
        else if (c == '\t')
            out += "\\t";
        else if (c == '\n')
            out += "\\n";
        else if (c == '\r')
            out += "\\r";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            out += printable({&c, 1});
        else
            out += c;
    }
    return out;
}

inline std::string tsv_line(const Row& row) {
    std::string out;
    for (const std::string& cell : row) out += (&cell == row.data() ? "" : "\t") + tsv_cell(cell);
    return out + "\n";
}

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Cells beyond the columns are a mistake and are dropped; missing ones are empty.
    void add(Row row) {
        row.resize(columns_.size());
        rows_.push_back(std::move(row));
    }
    bool empty() const { return rows_.empty(); }

    /// A line of titles and one per row, columns two spaces apart, no blanks at line ends.
    std::string text() const {
        std::vector<std::size_t> widths;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            widths.push_back(display_width(columns_[c].title));
            for (const Row& row : rows_) widths[c] = std::max(widths[c], display_width(printable(row[c])));
        }
        Row titles;
        for (const Column& column : columns_) titles.push_back(column.title);
        std::string out = text_line(titles, widths);
        for (const Row& row : rows_) out += text_line(row, widths);
        return out;
    }
    /// Rows only: programs know the columns, and documentation names them.
    std::string tsv() const {
        std::string out;
        for (const Row& row : rows_) out += tsv_line(row);
        return out;
    }

private:
    std::string text_line(const Row& row, const std::vector<std::size_t>& widths) const {
        std::string out;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const std::string cell = printable(row[c]);
            const std::string blanks(widths[c] - display_width(cell), ' ');
            if (c > 0) out += "  ";
            out += columns_[c].align == Align::left ? cell + blanks : blanks + cell;
        }
        out.erase(out.find_last_not_of(' ') + 1);
        return out + "\n";
    }

    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

}  // namespace holdfast::cli
