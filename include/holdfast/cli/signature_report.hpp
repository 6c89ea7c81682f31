// cli/signature_report.hpp - what the tools want of signatures, and say of them.
#pragma once

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/ops/signature.hpp"

namespace holdfast::cli {

inline ops::SignatureRules signature_rules(const Environment& env) {
    return {env.config.repository.signing_key, env.config.repository.require_signature};
}

/// Before a snapshot is restored by this manifest: refuses or says what there is to say. Throws: crypto.
inline void require_signature(const std::string& tool, const Repository& repository, const Manifest& manifest,
                              const Environment& env, const CommonFlags& flags) {
    const std::string& id = manifest.id;
    const ops::SignatureRules rules = signature_rules(env);
    const ops::SignatureCheck check = ops::check_signature(repository, id, rules, manifest.text_digest);
    ops::require_signature(check, id, rules);
    using enum ops::Signed;
    const bool is_stripped = check.state == missing && !rules.key.empty();
    if (check.state == bad || check.state == other_key || is_stripped)
        say(tool, "warning", "the signature of snapshot " + id + " is " + check.text());
    else if (check.state == unchecked && !flags.quiet)
        say(tool, "note", "the signature of snapshot " + id + " is " + check.text());
}

}  // namespace holdfast::cli
