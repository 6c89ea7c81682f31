// source/parquet_schema.hpp - the columns and groups of a Parquet file.
//
// The schema is untrusted: it has no more than kMaxParquetSchema elements, and its names lie in the footer's bytes.
// Format: parquet.thrift, SchemaElement.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/thrift_compact.hpp"
#include "holdfast/source/parquet_format.hpp"

namespace holdfast {

/// A column that holds values.
struct ParquetLeaf {
    std::size_t index = 0;  // among the leaves
    ParquetType type{};
    std::uint32_t max_definition = 0;  // optional fields on the way; a value is there if all of them are
};

struct ParquetElement {
    std::string_view name;            // in the footer
    std::optional<ParquetType> type;  // nothing: a group
    ParquetRepetition repetition = ParquetRepetition::required;
    std::uint64_t children = 0;
    int logical = 0;      // kLogicalString and so on; 0: the values mean no more than their type says
    bool is_utc = false;  // of a timestamp
    int unit = 0;         // of a timestamp
};

class ParquetSchema {
public:
    /// A tree in preorder; the first is its root.
    const std::vector<ParquetElement>& elements() const noexcept { return elements_; }

    /// The next element of the footer's list. Throws: corrupt, refused (too many).
    void read_element(ThriftReader& reader, ThriftType element) {
        if (elements_.size() == kMaxParquetSchema) refuse_parquet("file of so many columns");
        ParquetElement e;
        reader.read_struct(element, [&](int id, ThriftType type) {
            switch (id) {
                case 1:
                    e.type = static_cast<ParquetType>(std::min<std::uint64_t>(reader.count(type), 255));
                    break;
                case 3: e.repetition = repetition(reader.count(type)); break;
                case 4: e.name = reader.text(type); break;
                case 5: e.children = reader.count(type); break;
                case 10: read_logical(reader, type, e); break;
                default: reader.skip(type);
            }
        });
        elements_.push_back(e);
    }

    /// The column at a dotted path such as "add.path". Throws: corrupt, refused (repeated).
    std::optional<ParquetLeaf> find(std::string_view dotted) const {
        struct Group {
            std::uint64_t children;  // still to come
            bool is_on_path;
            std::uint32_t max_definition;
            bool is_repeated;
        };
        const std::vector<std::string_view> path = split(dotted, '.');
        std::vector<Group> open = {{elements_[0].children, true, 0, false}};
        std::size_t leaves = 0;
        for (std::size_t i = 1; i < elements_.size(); ++i) {
            while (!open.empty() && open.back().children == 0) open.pop_back();
            if (open.empty()) corrupt("has a malformed schema");
            const ParquetElement& e = elements_[i];
            Group& parent = open.back();
            --parent.children;
            const std::size_t depth = open.size() - 1;
            const bool is_on_path = parent.is_on_path && depth < path.size() && path[depth] == e.name;
            const bool is_optional = e.repetition == ParquetRepetition::optional;
            const Group here{e.children, is_on_path, parent.max_definition + (is_optional ? 1U : 0U),
                             parent.is_repeated || e.repetition == ParquetRepetition::repeated};
            if (!e.type) {
                open.push_back(here);
                continue;
            }
            if (is_on_path && depth + 1 == path.size()) {
                if (here.is_repeated) refuse_parquet("column " + in_quotes(dotted) + ", repeated,");
                return ParquetLeaf{leaves, *e.type, here.max_definition};
            }
            ++leaves;
        }
        return std::nullopt;
    }

private:
    [[noreturn]] static void corrupt(const std::string& why) {
        throw Error(Kind::corrupt, "parquet file " + why);
    }
    static ParquetRepetition repetition(std::uint64_t code) {
        if (code > 2) refuse_parquet("repetition " + std::to_string(code));
        return static_cast<ParquetRepetition>(code);
    }
    /// A union: one field, whose number is what it says.
    static void read_logical(ThriftReader& reader, ThriftType element, ParquetElement& out) {
        reader.read_struct(element, [&](int logical, ThriftType type) {
            out.logical = logical;
            if (logical != kLogicalTimestamp) return reader.skip(type);
            reader.read_struct(type, [&](int id, ThriftType field) {
                if (id == 1)
                    out.is_utc = reader.flag(field);
                else if (id == 2)
                    reader.read_struct(field, [&](int unit, ThriftType nothing) {
                        out.unit = unit;
                        reader.skip(nothing);
                    });
                else
                    reader.skip(field);
            });
        });
    }

    std::vector<ParquetElement> elements_;
};

}  // namespace holdfast
