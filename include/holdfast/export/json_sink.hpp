// export/json_sink.hpp - rows as one JSON document, or as NDJSON: one object per line.
//
// The document is {"export_timestamp":…,"record_count":N,"<table>":[…]}. N comes before the rows, so it is given; a file
// with another number of rows is never finished.
#pragma once

#include "holdfast/base/error.hpp"
#include "holdfast/export/json_text.hpp"

namespace holdfast {

struct JsonDocument {
    std::string timestamp;
    std::string table;
    std::uint64_t record_count = 0;
    bool is_computed = false;  // by SQL of somebody, which may give other rows each time
};

/// The key of the rows: the table's name, unless that is one of the other two keys.
inline std::string json_rows_key(const std::string& table) {
    const bool is_taken = table == "export_timestamp" || table == "record_count";
    return is_taken ? "table " + table : is_utf8_text(table) ? table : printable(table);
}

class JsonSink final : public RowSink {
public:
    /// Without a document it is NDJSON. Marked values are counted in `marks`, which must outlive this.
    JsonSink(ByteSink out, CellMarks& marks, std::optional<JsonDocument> document)
        : out_(std::move(out)), values_(out_, marks), document_(std::move(document)) {}

    void begin(const std::vector<ExportColumn>& columns) override {
        for (const ExportColumn& column : columns) {
            TextBuffer key([&](ByteSpan bytes) { keys_.back() += as_text(bytes); });
            keys_.emplace_back(keys_.empty() ? "{" : ",");
            put_json_string(key, is_utf8_text(column.name) ? column.name : printable(column.name));
            key.put(':');
            key.flush();
            rules_.push_back(column.cells);
        }
        if (!document_) return;
        out_.put(R"({"export_timestamp":)");
        put_json_string(out_, document_->timestamp);
        out_.put(R"(,"record_count":)");
        out_.put(static_cast<std::int64_t>(document_->record_count));
        out_.put(',');
        put_json_string(out_, json_rows_key(document_->table));
        out_.put(":[");
    }

    void row(std::span<const ExportValue> values) override {
        if (document_) out_.put(rows_ == 0 ? "\n" : ",\n");
        ++rows_;
        for (std::size_t i = 0; i < values.size(); ++i) {
            out_.put(keys_[i]);
            values_.put(values[i], rules_[i]);
        }
        out_.put(document_ ? "}" : "}\n");
    }

    void finish() override {
        if (document_) {
            if (rows_ != document_->record_count) refuse_count();
            out_.put("\n]}\n");
        }
        out_.flush();
    }

private:
    [[noreturn]] void refuse_count() const {
        const std::string why = "table " + in_quotes(document_->table) + " has " + std::to_string(rows_) +
                                " rows, but " + std::to_string(document_->record_count) +
                                " were counted before";
        if (document_->is_computed)
            throw Error(Kind::refused, why,
                        "its SQL does not give the same rows twice; ndjson and csv need no count");
        throw Error(
            Kind::corrupt, why,
            "the database is damaged: run PRAGMA integrity_check; --salvage exports the other tables");
    }

    TextBuffer out_;
    JsonValues values_;
    std::optional<JsonDocument> document_;
    std::vector<std::string> keys_;  // with the brace or comma before and the colon after
    std::vector<CellRule> rules_;
    std::uint64_t rows_ = 0;
};

}  // namespace holdfast
