// ops/check_certificate.hpp - is what this host is about to seal to still what it sealed to before?
//
// Who can write to a repository could put a certificate of his own into it, or say that it is not sealed: then the next
// backup would be his to read. So the host remembers, by the repository's id and by its path, outside of it; of several that
// take turns at one path (disks that are swapped) it knows each. While it makes a new certificate it remembers both, so that it
// can die at any moment and still knows each of them for its own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/store/ledger.hpp"
#include "holdfast/store/repository.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::ops {

namespace detail {

struct CertificatePin {
    std::string repository;  // id
    std::string path;
    std::optional<Digest> certificate;      // nothing: it is not sealed
    std::vector<std::string> recipients{};  // fingerprints, of the current key; none: not known
    std::vector<Digest> wrapped{};          // what the file of the current key may be; none: not known
    Json
        rotation{};  // begun by this host, which may have died before or after it took effect: what the ledger will say

    std::optional<Digest> next() const {
        return rotation.is_object() ? Digest::parse(JsonFields(rotation, "a rotation").text("certificate"))
                                    : std::nullopt;
    }
};

inline fs::path pin_path(const std::string& id) { return host_state_folder() / (id + ".certificate"); }

inline std::optional<CertificatePin> read_pin(const fs::path& path) {
    const std::optional<std::string> text = read_file_if_any(path, 64_KiB);
    if (!text) return std::nullopt;
    const std::string what = "the memory of a certificate, " + in_quotes(path.string());
    const Json json = parse_json(*text, what);
    const JsonFields fields(json, what);
    const std::string text_or_none = fields.text_or("certificate", "");
    const auto certificate = Digest::parse(text_or_none);
    if (!certificate && text_or_none != "none") fields.fail("certificate", "is not a SHA-256");
    CertificatePin pin{fields.text("repository"), fields.text("path"), certificate};
    const auto each_text = [&](const char* key, const std::function<void(const std::string&)>& use) {
        const Json* const list = fields.find(key);
        if (list == nullptr || !list->is_array()) return;
        for (const Json& one : *list)
            if (one.is_string()) use(one.get<std::string>());
    };
    each_text("recipients", [&](const std::string& one) { pin.recipients.push_back(one); });
    each_text("wrapped_sha256", [&](const std::string& one) {
        if (const auto digest = Digest::parse(one)) pin.wrapped.push_back(*digest);
    });
    if (const Json* const rotation = fields.find("rotation")) pin.rotation = *rotation;
    return pin;
}

/// One place under all its names: through a link, with a slash at the end.
inline bool is_same_place(const fs::path& a, const fs::path& b) {
    std::error_code none;
    const auto whole = [&](const fs::path& path) {
        const fs::path out = fs::weakly_canonical(path, none).lexically_normal();
        return out.has_filename() ? out : out.parent_path();
    };
    return whole(a) == whole(b);
}

/// All that this host knows of a place, under whatever id. A memory that is damaged says nothing; if it is that of the id in
/// question, read_pin() names it.
inline std::vector<CertificatePin> pins_of_path(const fs::path& root) {
    std::vector<CertificatePin> out;
    if (!fs::exists(host_state_folder())) return out;
    for (const std::string& name : list_directory(host_state_folder())) {
        if (!name.ends_with(".certificate")) continue;
        try {
            auto pin = read_pin(host_state_folder() / name);
            if (pin && is_same_place(pin->path, root)) out.push_back(*std::move(pin));
        } catch (const Error& e) {
            if (e.kind() == Kind::io) throw;
        }
    }
    return out;
}

/// By the id, or whatever this host knew at this path.
inline std::optional<CertificatePin> find_pin(const Repository& repository) {
    if (auto pin = read_pin(pin_path(repository.id()))) return pin;
    const std::vector<CertificatePin> others = pins_of_path(repository.root());
    return others.empty() ? std::nullopt : std::optional(others.front());
}

/// At no moment is there none: a run that is killed must not leave a host that trusts whatever it finds. Where something is
/// sealed, one that was not is no alternative any more. Throws: io.
inline void write_pin(const CertificatePin& pin) {
    make_directories(host_state_folder());
    Json json = {{"repository", pin.repository},
                 {"path", pin.path},
                 {"certificate", pin.certificate ? pin.certificate->hex() : "none"}};
    if (!pin.recipients.empty()) json["recipients"] = pin.recipients;
    for (const Digest& digest : pin.wrapped) json["wrapped_sha256"].push_back(digest.hex());
    if (pin.rotation.is_object()) json["rotation"] = pin.rotation;
    publish_file(pin_path(pin.repository), as_bytes(dump_json(json, 2) + "\n"));
    if (!pin.certificate) return;
    for (const CertificatePin& old : pins_of_path(pin.path))
        if (!old.certificate) ::unlink(pin_path(old.repository).c_str());
}

/// Of the current recovery key, as it lies there now.
inline std::optional<Digest> wrapped_digest(const fs::path& root, const Digest& certificate) {
    const auto text = read_file_if_any(wrapped_key_path(root, certificate), kMaxKeyText);
    return text ? std::optional(sha256(*text)) : std::nullopt;
}

/// The ledger's line of a rotation that took effect, unless it is there. Throws: busy, corrupt, io.
inline void record_rotation(const Repository& repository, const Json& rotation) {
    LedgerWriter ledger(repository, std::chrono::seconds{30});  // whoever rotates right now holds it
    bool is_there = false;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event == "rotated" && line.json.value("certificate", Json{}) == rotation["certificate"])
            is_there = true;
    });
    if (!is_there) ledger.append("rotated", "", rotation);
}

}  // namespace detail

/// What this host shall expect from now on; `recipients` are fingerprints, none: as it knew them. Throws: io.
inline void pin_certificate(const Repository& repository, const std::vector<std::string>& recipients = {}) {
    detail::CertificatePin pin{repository.id(), json_text(repository.root().string()), std::nullopt};
    const Keyring* const keyring = repository.keyring();
    if (keyring == nullptr) {
        if (!detail::pins_of_path(repository.root()).empty()) detail::write_pin(pin);
        return;
    }
    pin.certificate = keyring->current();
    if (const auto now = detail::wrapped_digest(repository.root(), *pin.certificate)) pin.wrapped = {*now};
    pin.recipients = recipients;
    const auto old = detail::read_pin(detail::pin_path(repository.id()));
    if (recipients.empty() && old && old->certificate == pin.certificate) pin.recipients = old->recipients;
    if (recipients.empty() && old && old->next() == pin.certificate)
        for (const Json& one : old->rotation.value("recipients", Json::array()))
            pin.recipients.push_back(one.get<std::string>());
    detail::write_pin(pin);
}

/// Why the repository is not the one that this host sealed to; nothing if it is, or if it was never seen. Changes nothing.
/// Throws: corrupt, io.
inline std::optional<Error> contradicts_pin(const Repository& repository,
                                            const std::optional<Digest>& configured) {
    const std::optional<detail::CertificatePin> pin = detail::find_pin(repository);
    const Keyring* const keyring = repository.keyring();
    const std::optional<Digest> here = keyring != nullptr ? std::optional(keyring->current()) : std::nullopt;
    const bool is_known = pin && pin->repository == repository.id() &&
                          (pin->certificate == here || (here && pin->next() == here));
    const bool is_other = pin && pin->repository != repository.id();
    const bool is_configured = configured && configured == here;
    if (!is_other && (configured ? is_configured : !pin || is_known)) return std::nullopt;
    const auto name = [](const std::optional<Digest>& certificate) {
        return certificate ? "certificate " + certificate->hex() : std::string("no certificate");
    };
    const std::string place = in_quotes(detail::pin_path(pin ? pin->repository : repository.id()).string());
    std::string hint =
        "compare with the recovery kit on paper first: who can write to the storage can make it look so; ";
    if (is_other || !here)
        hint += "if it is meant, remove " + place + (here ? "" : " and certificate in [repository]");
    else
        hint += "if the key was rotated on purpose, certificate = \"" + here->hex() +
                "\" in [repository] says so";
    return Error(Kind::refused,
                 "the repository " + in_quotes(repository.root().string()) + " " +
                     (here ? "seals to certificate " + here->hex() : "is not sealed") + ", but " +
                     (configured && !is_configured
                          ? "the configuration expects " + configured->hex()
                          : "this host sealed there to " + name(pin->certificate) +
                                (is_other ? " of another repository, " + pin->repository : "")) +
                     "; nothing was stored",
                 hint);
}

/// `configured` outranks what the host remembers of the certificate, but not which repository is there. Returns what is worth
/// saying. Throws: refused; corrupt, io.
inline std::optional<std::string> check_certificate(const Repository& repository,
                                                    const std::optional<Digest>& configured) {
    if (const auto why = contradicts_pin(repository, configured)) throw *why;
    const std::optional<detail::CertificatePin> pin = detail::find_pin(repository);
    const Keyring* const keyring = repository.keyring();
    if (keyring == nullptr || (pin && pin->certificate == keyring->current())) return std::nullopt;
    const bool is_rotated = pin && pin->next() == keyring->current();
    if (is_rotated) detail::record_rotation(repository, pin->rotation);
    pin_certificate(repository);
    if (is_rotated)
        return "the key was rotated by this host; from now on it seals to certificate " +
               keyring->current().hex();
    if (configured) return std::nullopt;
    return "this host seals to certificate " + keyring->current().hex() +
           " for the first time; it will refuse any other from now on";
}

}  // namespace holdfast::ops
