// policy/cron_schedule.hpp - a cron expression as checked values: "0 2 * * 1-5", "@daily".
//
// Means what Debian's cron makes of it, and is stricter: what crontab(1) takes and then never runs, or runs at
// other times than it seems ("10-5", "fri-sun", "*-5", "*/70"), is an error that names the field.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

struct CronSchedule {
    std::string text;  // as it was written, blanks normalised
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<32> days;     // 1 to 31
    std::bitset<13> months;   // 1 to 12
    std::bitset<7> weekdays;  // 0 is Sunday
    // Cron goes by the first character of a field: "*/2" is a star, too.
    bool star_minute = false, star_hour = false, star_day = false, star_weekday = false;

    /// Wildcard jobs follow real time when clocks change; the others follow the wall clock.
    bool is_wildcard() const { return star_minute || star_hour; }

    bool has_date(std::chrono::local_days date) const {
        const std::chrono::year_month_day ymd{date};
        if (!months[static_cast<unsigned>(ymd.month())]) return false;
        const bool day = days[static_cast<unsigned>(ymd.day())];
        const bool weekday = weekdays[std::chrono::weekday{date}.c_encoding()];
        return star_day || star_weekday ? day && weekday : day || weekday;
    }
};

namespace detail {

struct CronField {
    const char* name;
    unsigned low, high;
    std::array<const char*, 12> words;  // the first stands for `low`; names of months and days only
};
inline constexpr std::array<CronField, 5> kCronFields = {{
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}};

/// Reads one field, "1-5,10,*/15", into a set. Throws: usage, with the field's name and why.
class CronFieldReader {
public:
    CronFieldReader(const CronField& field, std::string_view text, std::string_view whole)
        : field_(field), text_(text), whole_(whole) {}

    std::bitset<60> read() const {
        std::bitset<60> out;
        for (const std::string_view part : split(text_, ',')) read_part(part, out);
        return out;
    }

private:
    [[noreturn]] void fail(const std::string& why, const std::string& hint) const {
        throw Error(Kind::usage,
                    "the " + std::string(field_.name) + " " + in_quotes(text_) + " of " + in_quotes(whole_) +
                        " " + why,
                    hint);
    }
    std::string limits() const { return std::to_string(field_.low) + " to " + std::to_string(field_.high); }
    static std::optional<unsigned> digits(std::string_view text) {
        if (text.empty() || text.size() > 3) return std::nullopt;
        unsigned n = 0;
        for (const char c : text) {
            if (c < '0' || c > '9') return std::nullopt;
            n = n * 10 + static_cast<unsigned>(c - '0');
        }
        return n;
    }
    unsigned value(std::string_view text) const {
        if (text.empty())
            fail("has an empty place", "write numbers, ranges and lists without blanks: 1-5,10");
        std::string lower{text};
        for (char& c : lower)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        for (unsigned i = 0; i < field_.words.size(); ++i)
            if (field_.words[i] != nullptr && lower == field_.words[i]) return field_.low + i;
        const auto n = digits(text);
        if (!n)
            fail("has " + in_quotes(text) + ", which cron does not know there",
                 field_.words[0] != nullptr ? "write " + limits() + ", or a name of three letters"
                                            : "write " + limits() + "; L, W, ? and # are not of cron");
        if (*n < field_.low || *n > field_.high)
            fail("has " + std::to_string(*n) + ", which is out of range", "write " + limits());
        return *n;
    }
    void read_part(std::string_view part, std::bitset<60>& out) const {
        unsigned step = 1;
        const std::size_t slash = part.find('/');
        const std::string_view range = part.substr(0, slash);
        const std::size_t dash = range.find('-');
        unsigned first = field_.low, last = field_.high;
        if (range != "*") {
            first = value(range.substr(0, dash));
            last = dash == std::string_view::npos ? first : value(range.substr(dash + 1));
            if (slash != std::string_view::npos && dash == std::string_view::npos)
                fail("has a step after a single value", "give it a range: " + std::string(range) + "-" +
                                                            std::to_string(field_.high) +
                                                            std::string(part.substr(slash)));
        }
        if (last < first)
            fail("has a range that runs backwards: crontab takes it and never runs the line",
                 field_.high == 7 ? "Sunday is 7 as well as 0: write 5-7, or fri,sat,sun"
                                  : "write it as two ranges");
        if (slash != std::string_view::npos) {
            const auto n = digits(part.substr(slash + 1));
            if (!n || *n == 0 || *n > last - first)
                fail("has a step that leads nowhere",
                     "a step is a number from 1 to " + std::to_string(std::max(last - first, 1U)) + " there");
            step = *n;
        }
        for (unsigned i = first; i <= last; i += step) out.set(i);
    }

    const CronField& field_;
    std::string_view text_, whole_;
};

inline std::vector<std::string_view> words_between_blanks(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t i = 0; (i = text.find_first_not_of(" \t", i)) != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(" \t", i), text.size());
        out.push_back(text.substr(i, end - i));
        i = end;
    }
    return out;
}

/// "@daily" as five fields; other text as it is. Throws: usage.
inline std::string_view expand_cron_word(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords = {
        {{"@yearly", "0 0 1 1 *"},
         {"@annually", "0 0 1 1 *"},
         {"@monthly", "0 0 1 * *"},
         {"@weekly", "0 0 * * 0"},
         {"@daily", "0 0 * * *"},
         {"@midnight", "0 0 * * *"},
         {"@hourly", "0 * * * *"}}};
    if (!text.starts_with('@')) return text;
    for (const auto& [word, fields] : kWords)
        if (text == word) return fields;
    throw Error(Kind::usage, in_quotes(text) + " is not a time that can be foretold",
                "write @hourly, @daily, @weekly, @monthly, @yearly or five fields");
}

}  // namespace detail

/// Throws: usage.
inline CronSchedule parse_cron(std::string_view text) {
    using namespace detail;
    const auto given = words_between_blanks(text);
    const std::string_view expanded = given.size() == 1 ? expand_cron_word(given[0]) : text;
    const auto fields = words_between_blanks(expanded);
    if (fields.size() != kCronFields.size())
        throw Error(
            Kind::usage,
            in_quotes(text) + " has " + std::to_string(fields.size()) + " fields, and a schedule has five",
            "minute, hour, day of month, month, day of week: '0 2 * * *' is every day at 02:00");
    std::array<std::bitset<60>, 5> sets;
    for (std::size_t i = 0; i < sets.size(); ++i)
        sets[i] = CronFieldReader(kCronFields[i], fields[i], text).read();
    CronSchedule out;
    for (const std::string_view field : fields)
        out.text += (out.text.empty() ? "" : " ") + std::string(field);
    out.minutes = sets[0];
    for (unsigned i = 0; i < 24; ++i) out.hours[i] = sets[1][i];
    for (unsigned i = 1; i <= 31; ++i) out.days[i] = sets[2][i];
    for (unsigned i = 1; i <= 12; ++i) out.months[i] = sets[3][i];
    for (unsigned i = 0; i <= 7; ++i)
        if (sets[4][i]) out.weekdays.set(i % 7);
    out.star_minute = fields[0].starts_with('*');
    out.star_hour = fields[1].starts_with('*');
    out.star_day = fields[2].starts_with('*');
    out.star_weekday = fields[4].starts_with('*');
    return out;
}

}  // namespace holdfast
