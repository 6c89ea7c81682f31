// support/parquet.hpp - small tables written as Parquet in memory, and what other programs see in them.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <variant>

#include "holdfast/export/parquet_sink.hpp"
#include "holdfast/wrap/json.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::testing {

struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
};
using Cell = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Cells = std::vector<Cell>;  // of a row

inline constexpr std::monostate kNull{};

inline ExportValue as_export_value(const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return std::string_view(*text);
    if (const auto* blob = std::get_if<Blob>(&cell)) return as_bytes(blob->bytes);
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
    if (const auto* real = std::get_if<double>(&cell)) return *real;
    return {};
}

inline ExportColumn column(std::string name, ColumnType type, bool may_be_null = true) {
    ExportColumn out;
    out.name = std::move(name);
    out.type = type;
    out.may_be_null = may_be_null;
    return out;
}

/// The bytes of a file. `row_at(i)` gives the cells of row i.
template <class RowAt>
std::string write_parquet(const std::vector<ExportColumn>& columns, std::size_t rows, RowAt row_at,
                          ParquetOptions options = {}) {
    std::string file;
    ParquetSink sink([&](ByteSpan bytes) { file += as_text(bytes); }, std::move(options));
    sink.begin(columns);
    for (std::size_t i = 0; i < rows; ++i) {
        const Cells cells = row_at(i);
        std::vector<ExportValue> values;
        for (const Cell& cell : cells) values.push_back(as_export_value(cell));
        sink.row(values);
    }
    sink.finish();
    return file;
}
inline std::string write_parquet(const std::vector<ExportColumn>& columns, const std::vector<Cells>& rows,
                                 ParquetOptions options = {}) {
    return write_parquet(
        columns, rows.size(), [&](std::size_t i) { return rows[i]; }, std::move(options));
}

/// As tests/node/read_parquet.mjs prints it.
inline std::string cell_line(const Cell& cell, ColumnType type) {
    if (const auto* text = std::get_if<std::string>(&cell)) return Json(*text).dump();
    if (const auto* blob = std::get_if<Blob>(&cell))
        return R"({"blob":")" + to_hex(as_bytes(blob->bytes)) + "\"}";
    if (const auto* real = std::get_if<double>(&cell)) {
        char hex[17];
        std::snprintf(hex, sizeof hex, "%016llx", std::bit_cast<unsigned long long>(*real));
        return R"({"real":")" + std::string(hex) + "\"}";
    }
    const auto* number = std::get_if<std::int64_t>(&cell);
    if (number == nullptr) return "null";
    const std::string digits = std::to_string(*number);
    return type == ColumnType::timestamp ? R"({"timestamp":)" + digits + "}" : digits;
}

inline std::string column_line(const std::vector<ExportColumn>& columns) {
    static constexpr const char* kNames[] = {"integer", "real", "text", "blob", "timestamp"};
    Json line = Json::array();
    for (const ExportColumn& c : columns)
        line.push_back({{"name", c.name}, {"type", kNames[static_cast<std::size_t>(c.type)]}});
    return line.dump() + "\n";
}

template <class RowAt>
std::string expected_lines(const std::vector<ExportColumn>& columns, std::size_t rows, RowAt row_at) {
    std::string out = column_line(columns);
    for (std::size_t i = 0; i < rows; ++i) {
        const Cells cells = row_at(i);
        out += '[';
        for (std::size_t k = 0; k < cells.size(); ++k)
            out += (k > 0 ? "," : "") + cell_line(cells[k], columns[k].type);
        out += "]\n";
    }
    return out;
}

/// What tests/node/read_parquet.mjs prints with these arguments, and its complaints.
inline std::string run_readers(const std::string& arguments) {
    const auto program =
        std::filesystem::path(__FILE__).parent_path().parent_path() / "node" / "read_parquet.mjs";
    std::FILE* pipe = ::popen(("node '" + program.string() + "' " + arguments + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    char buffer[65536];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    ::pclose(pipe);
    return out;
}

/// What DuckDB answers to queries over the view `file`, without the lines that name the columns.
inline std::vector<std::string> ask_duckdb(const std::string& file, const std::vector<std::string>& queries) {
    const TempDir dir;
    std::string arguments;
    for (const std::string& sql : queries) arguments += "--sql \"" + sql + "\" ";
    const std::string out = run_readers(arguments + "duckdb '" + dir.write("a.parquet", file).string() + "'");
    std::vector<std::string> answers;
    for (std::size_t at = 0; at < out.size();) {
        const std::size_t end = std::min(out.find('\n', at), out.size());
        if (!out.substr(at).starts_with("[{\"name\"")) answers.push_back(out.substr(at, end - at));
        at = end + 1;
    }
    return answers;
}

/// Tables that two other readers must see as they were; node starts slowly, so they read all of them in one go.
class ReadersCheck {
public:
    /// `row_at(i)` gives the cells of row i.
    template <class RowAt>
    void add(const std::vector<ExportColumn>& columns, std::size_t rows, RowAt row_at,
             const ParquetOptions& options = {}) {
        const auto name = std::to_string(count_++) + ".parquet";
        files_ += " '" + dir_.write(name, write_parquet(columns, rows, row_at, options)).string() + "'";
        expected_ += expected_lines(columns, rows, row_at);
    }
    void add(const std::vector<ExportColumn>& columns, const std::vector<Cells>& rows,
             const ParquetOptions& options = {}) {
        add(
            columns, rows.size(), [&](std::size_t i) { return rows[i]; }, options);
    }
    void run() const {
        REQUIRE(count_ > 0);
        const std::string seen = run_readers("duckdb,hyparquet" + files_), expected = expected_ + expected_;
        const bool is_equal = seen == expected;  // megabytes: not for a report
        if (!is_equal) {
            const auto at = std::mismatch(seen.begin(), seen.end(), expected.begin(), expected.end()).first -
                            seen.begin();
            const auto from = static_cast<std::size_t>(std::max<std::ptrdiff_t>(at - 80, 0));
            FAIL_CHECK("seen: ", seen.substr(from, 300), "\nexpected: ", expected.substr(from, 300));
        }
        CHECK(is_equal);
    }

private:
    TempDir dir_;
    int count_ = 0;
    std::string files_, expected_;
};

/// One table alone.
template <class... Table>
void check_readers(const Table&... table) {
    ReadersCheck check;
    check.add(table...);
    check.run();
}

}  // namespace holdfast::testing
