// ops/configured_checks.hpp - runs the checks that the configuration asks for on one restored component.
//
// A query runs on an immutable, read-only connection; a command is told where the data is. Both are bounded by the
// check's timeout, and one that does not answer in time has failed.
#pragma once

#include "holdfast/base/child_environment.hpp"
#include "holdfast/base/disk.hpp"
#include "holdfast/base/process.hpp"
#include "holdfast/base/time_text.hpp"
#include "holdfast/ops/check_result.hpp"
#include "holdfast/ops/check_sqlite.hpp"
#include "holdfast/policy/checks_config.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

/// Of which snapshot the restored data is.
struct CheckedSnapshot {
    SystemSeconds started{};
    std::string id;  // for commands; may be empty
};

namespace detail {

using CheckState = CheckResult::State;

inline void check_age(const CheckConfig& check, std::string_view text, SystemSeconds started,
                      CheckResult& out) {
    out.newest = parse_time(text);
    if (!out.newest) {
        out.detail = "the answer " + in_quotes(text.substr(0, 100)) + " is no time";
        return;
    }
    const std::chrono::seconds age = started - *out.newest;
    // Rows may come while a snapshot is taken, and a time without a zone may be off by one; more is a clock that was wrong.
    const bool is_future = age < -std::chrono::hours{24};
    out.detail = "newest " + format_utc(*out.newest) + ", " +
                 (age.count() < 0 ? format_duration(-age) + " after" : format_duration(age) + " before") +
                 " the snapshot began; allowed " + format_duration(*check.max_age);
    if (!is_future && age <= *check.max_age) out.state = CheckState::passed;
}

inline void run_query(const CheckConfig& check, const fs::path& restored, SystemSeconds started,
                      CheckResult& out) {
    const Deadline deadline{check.timeout};
    try {
        Database db = Database::open_for_queries(restored);
        db.set_progress([&] { return is_interrupted() || deadline.has_passed(); });
        Statement query = db.prepare_query(check.sql);
        if (!query.step()) {
            out.detail = "the query has no row";
        } else if (query.is_null(0)) {
            out.detail = "the answer is NULL";
        } else if (check.max_age) {
            check_age(check, query.text(0), started, out);
        } else {
            if (query.text(0) == *check.expect) out.state = CheckState::passed;
            out.detail = "the answer is " + in_quotes(query.text(0).substr(0, 100)) +
                         (out.state == CheckState::passed ? "" : ", expected " + in_quotes(*check.expect));
        }
    } catch (const SqliteError& e) {
        check_interrupted();
        if ((e.code() & 0xFF) == SQLITE_INTERRUPT)
            out.detail = "it ran longer than " + format_duration(check.timeout);
        else
            out.detail = e.what();
        if (is_missing_extension(e.what())) out.state = CheckState::unchecked;
    } catch (const Error& e) {
        out.detail = e.what();
    }
}

inline void run_command(const CheckConfig& check, const Component& c, const fs::path& restored,
                        const CheckedSnapshot& snapshot, CheckResult& out) {
    const std::vector<std::string> environment =
        child_environment({"HOLDFAST_RESTORED=" + fs::absolute(restored).string(),
                           "HOLDFAST_COMPONENT=" + c.name, "HOLDFAST_SNAPSHOT=" + snapshot.id});
    std::string said;
    try {
        Child child(check.shell ? shell_argv(check.command.at(0)) : check.command, check.timeout,
                    &environment);
        Bytes buffer(4096);
        while (const std::size_t n = child.read(buffer))
            said +=
                as_text(ByteSpan(buffer).first(std::min(n, 200 - std::min<std::size_t>(said.size(), 200))));
        child.finish();
        out.state = CheckState::passed;
    } catch (const Error& e) {
        out.detail = e.what();
    }
    const std::string line = said.substr(0, said.find('\n'));
    if (!line.empty()) out.detail += (out.detail.empty() ? "it said: " : "; it said: ") + printable(line);
}

}  // namespace detail

/// Throws: interrupted.
inline CheckResult run_check(const CheckConfig& check, const Component& c, const fs::path& restored,
                             const CheckedSnapshot& snapshot) {
    CheckResult out{c.name, check.name, detail::CheckState::failed, {}};
    if (!check.sql.empty())
        detail::run_query(check, restored, snapshot.started, out);
    else
        detail::run_command(check, c, restored, snapshot, out);
    return out;
}

}  // namespace holdfast::ops
