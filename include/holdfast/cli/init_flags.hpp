// cli/init_flags.hpp - what init is asked to make or change, and how it answers.
#pragma once

#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/kit_files.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/escrow.hpp"

namespace holdfast::cli {

struct InitFlags {
    std::vector<std::string> recipients;
    bool no_escrow = false;
    bool rekey = false, rotate = false;
    std::string recovery_kit;  // folder
    KeyFlags key;

    ops::Escrow escrow() const { return no_escrow ? ops::Escrow::waived : ops::Escrow::needed; }
};

inline void add_init_flags(CLI::App& app, InitFlags& flags) {
    auto* recipient =
        app.add_option("--recipient", flags.recipients,
                       "encrypt: an OpenPGP key that can open the backups, by fingerprint, id or "
                       "e-mail; repeatable")
            ->type_name("KEY")
            ->expected(1)
            ->take_all();
    app.add_flag("--no-escrow", flags.no_escrow, "one recipient alone is enough")->needs(recipient);
    auto* rekey = app.add_flag("--rekey", flags.rekey,
                               "encrypt the recovery key of this repository to the given recipients instead");
    app.add_flag("--rotate", flags.rotate,
                 "a new recovery key for new snapshots, for the given recipients or the same as before")
        ->excludes(rekey);
    add_text(app, "--recovery-kit", flags.recovery_kit, "DIR",
             "write a page to print, and files, that explain recovery; also of a repository that exists");
    add_key_flags(app, flags.key)->needs(rekey);
}

/// What was done, for the report.
struct InitResult {
    Repository repository;
    std::vector<GpgKey> recipients;
    std::vector<std::string> notes;
    std::vector<std::string> warnings;  // something was left undone: exit 4
    fs::path page;                      // of the recovery kit
};

namespace detail {

inline InitResult run_rekey(const Environment& env, const InitFlags& flags) {
    if (flags.recipients.empty())
        throw Error(Kind::usage, "--rekey needs to know for whom",
                    "name every key that shall open the backups: --recipient A --recipient B");
    InitResult out{Repository::open(env.repository()), {}, {}, {}, {}};
    out.recipients = ops::choose_recipients(flags.recipients, flags.escrow());
    const Unlock unlock = ops::make_unlocker(out.repository.root(), key_file(flags.key));
    out.warnings =
        ops::rekey(out.repository, unlock, out.recipients, env.config.repository.lock_wait).not_rekeyed;
    out.notes.push_back("who could open the recovery key before may have a copy: --rotate makes a new one");
    return out;
}

inline InitResult run_rotate(const Environment& env, const InitFlags& flags) {
    InitResult out{Repository::open(env.repository()), {}, {}, {}, {}};
    out.recipients = flags.recipients.empty() ? ops::current_recipients(out.repository)
                                              : ops::choose_recipients(flags.recipients, flags.escrow());
    const auto expected = Digest::parse(env.config.repository.certificate);
    out.repository = ops::rotate(out.repository, out.recipients, expected, env.config.repository.lock_wait);
    if (expected)
        out.notes.push_back("change certificate in " + in_quotes(env.config_file) + " to \"" +
                            out.repository.keyring()->current().hex() + "\", or snap will refuse");
    return out;
}

inline InitResult run_init(const Environment& env, const InitFlags& flags) {
    const bool is_there = fs::exists(fs::path(env.repository()) / "format.json");
    if (is_there && !flags.recovery_kit.empty() && flags.recipients.empty())
        return {Repository::open(env.repository()), {}, {}, {}, {}};
    if (is_there) ops::init(env.repository());  // says that it is one already
    const std::vector<GpgKey> recipients = ops::choose_recipients(flags.recipients, flags.escrow());
    if (recipients.empty()) return {ops::init(env.repository()), {}, {}, {}, {}};
    return {ops::init(env.repository(), ops::make_keys_for(recipients)), recipients, {}, {}, {}};
}

inline Json init_json(const InitResult& result) {
    Json out = {{"repository", json_text(result.repository.root().string())}, {"id", result.repository.id()}};
    if (result.repository.keyring() == nullptr) return out;
    out["certificate"] = result.repository.keyring()->current().hex();
    out["recipients"] = Json::array();
    for (const GpgKey& key : result.recipients)
        out["recipients"].push_back({{"fingerprint", key.fingerprint}, {"user", key.user}});
    return out;
}

}  // namespace detail

/// Throws: usage, refused, crypto, config, busy, io.
inline InitResult run_init(const Environment& env, const InitFlags& flags) {
    InitResult out = flags.rekey    ? detail::run_rekey(env, flags)
                     : flags.rotate ? detail::run_rotate(env, flags)
                                    : detail::run_init(env, flags);
    for (const GpgKey& key : out.recipients)
        out.notes.push_back("can be opened by " + key.fingerprint + " " + key.user);
    if (!flags.recovery_kit.empty())
        out.page = write_recovery_kit(out.repository, flags.recovery_kit,
                                      Digest::parse(env.config.repository.certificate));
    else if (!out.recipients.empty())
        out.notes.push_back("print a recovery kit and keep it elsewhere: init --recovery-kit DIR");
    return out;
}

/// Prints the repository's path, or all as JSON; returns the exit code.
inline int print_init(const InitResult& result, const CommonFlags& flags) {
    for (const std::string& note : result.notes)
        if (!flags.quiet) say("init", "note", note);
    for (const std::string& warning : result.warnings) say("init", "warning", warning);
    if (flags.json) {
        Json json = detail::init_json(result);
        if (!result.page.empty()) json["recovery_kit"] = json_text(result.page.string());
        print_json(json);
    } else {
        print_line(result.repository.root().string());
        if (!result.page.empty()) print_line(result.page.string());
    }
    return result.warnings.empty() ? 0 : static_cast<int>(Kind::partial);
}

}  // namespace holdfast::cli
