// export/parquet_dictionary.hpp - the different values of a column chunk, and which of them each value is.
//
// Reals are compared by their bits, so that a NaN or -0.0 comes back as it was.
#pragma once

#include <bit>
#include <optional>
#include <string_view>

#include "holdfast/export/column_buffer.hpp"

namespace holdfast {

inline constexpr std::size_t kMaxDictionaryValues =
    65'536;  // beyond, the indexes are hardly shorter than numbers
inline constexpr std::uint64_t kMaxDictionaryBytes = 1_MiB;  // a page, as readers expect it

struct ColumnDictionary {
    std::vector<std::size_t> firsts;     // where in the column each value stands first
    std::vector<std::uint32_t> indexes;  // of each value of the column, into `firsts`
    unsigned width = 1;                  // of an index, in bits
};

namespace detail {

/// `value_of(i)` is a std::uint64_t or a std::string_view.
template <class ValueOf, class Hash>
std::optional<ColumnDictionary> find_different(std::size_t count, ValueOf value_of, Hash hash) {
    ColumnDictionary out;
    out.indexes.reserve(count);
    std::vector<std::uint32_t> slots(1024);  // 0 is empty, else an index and 1
    const auto slot_of = [&](const auto& value) -> std::uint32_t& {
        std::size_t at = hash(value) & (slots.size() - 1);
        while (slots[at] != 0 && value_of(out.firsts[slots[at] - 1]) != value)
            at = (at + 1) & (slots.size() - 1);
        return slots[at];
    };
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = value_of(i);
        std::uint32_t* slot = &slot_of(value);
        if (*slot == 0) {
            if constexpr (std::is_same_v<decltype(value), const std::string_view>)
                bytes += 4 + value.size();
            else
                bytes += sizeof value;
            if (out.firsts.size() == kMaxDictionaryValues || bytes > kMaxDictionaryBytes) return std::nullopt;
            out.firsts.push_back(i);
            *slot = static_cast<std::uint32_t>(out.firsts.size());
            if (out.firsts.size() * 2 > slots.size()) {
                slots.assign(slots.size() * 4, 0);
                for (std::size_t k = 0; k < out.firsts.size(); ++k)
                    slot_of(value_of(out.firsts[k])) = static_cast<std::uint32_t>(k + 1);
                slot = &slot_of(value);
            }
        }
        out.indexes.push_back(*slot - 1);
    }
    if (out.firsts.size() > 1) out.width = static_cast<unsigned>(std::bit_width(out.firsts.size() - 1));
    return out;
}

}  // namespace detail

/// Nothing if there are too many different values for a dictionary to pay.
inline std::optional<ColumnDictionary> make_dictionary(const ColumnBuffer& values) {
    if (values.is_text())
        return detail::find_different(
            values.size(), [&](std::size_t i) { return as_text(values.text(i)); },
            std::hash<std::string_view>{});
    return detail::find_different(
        values.size(), [numbers = values.numbers()](std::size_t i) { return numbers[i]; },
        [](std::uint64_t n) {  // the high bits of a product depend on all of the number's
            n *= 0x9E3779B97F4A7C15U;
            return static_cast<std::size_t>(n >> 32);
        });
}

}  // namespace holdfast
