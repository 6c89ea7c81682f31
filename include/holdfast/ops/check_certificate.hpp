// ops/check_certificate.hpp - is what this host is about to seal to still what it sealed to before?
//
// Who can write to a repository could put a certificate of his own into it, or say that it is not sealed: then the next
// backup would be his to read. So the host remembers, by the repository's id and by its path, outside of it. While it makes
// a new certificate it remembers both, so that it can die at any moment and still knows each of them for its own.
#pragma once

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
    Digest certificate;
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
    const auto certificate = Digest::parse(fields.text("certificate"));
    if (!certificate) fields.fail("certificate", "is not a SHA-256");
    const Json* const rotation = fields.find("rotation");
    return CertificatePin{fields.text("repository"), fields.text("path"), *certificate,
                          rotation != nullptr ? *rotation : Json{}};
}

/// All that this host knows of a place, under whatever id.
inline std::vector<CertificatePin> pins_of_path(const fs::path& root) {
    std::vector<CertificatePin> out;
    if (!fs::exists(host_state_folder())) return out;
    for (const std::string& name : list_directory(host_state_folder())) {
        if (!name.ends_with(".certificate")) continue;
        auto pin = read_pin(host_state_folder() / name);
        if (pin && pin->path == json_text(root.string())) out.push_back(*std::move(pin));
    }
    return out;
}

/// By the id, or whatever this host knew at this path.
inline std::optional<CertificatePin> find_pin(const Repository& repository) {
    if (auto pin = read_pin(pin_path(repository.id()))) return pin;
    const std::vector<CertificatePin> others = pins_of_path(repository.root());
    return others.empty() ? std::nullopt : std::optional(others.front());
}

inline void forget_other_pins(const fs::path& root, const std::string& id) {
    for (const CertificatePin& old : pins_of_path(root))
        if (old.repository != id) ::unlink(pin_path(old.repository).c_str());
}

/// At no moment is there none: a run that is killed must not leave a host that trusts whatever it finds. Throws: io.
inline void write_pin(const fs::path& root, const std::string& id, const Digest& certificate,
                      const Json& rotation = {}) {
    make_directories(host_state_folder());
    Json json = {{"repository", id}, {"path", json_text(root.string())}, {"certificate", certificate.hex()}};
    if (rotation.is_object()) json["rotation"] = rotation;
    publish_file(pin_path(id), as_bytes(dump_json(json, 2) + "\n"));
    forget_other_pins(root, id);
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

/// What this host shall expect from now on. Throws: io.
inline void pin_certificate(const Repository& repository) {
    if (repository.keyring() != nullptr)
        return detail::write_pin(repository.root(), repository.id(), repository.keyring()->current());
    ::unlink(detail::pin_path(repository.id()).c_str());
    detail::forget_other_pins(repository.root(), repository.id());
}

/// `configured` outranks what the host remembers. Returns what is worth saying. Throws: refused; corrupt, io.
inline std::optional<std::string> check_certificate(const Repository& repository,
                                                    const std::optional<Digest>& configured) {
    const std::optional<detail::CertificatePin> pin = detail::find_pin(repository);
    const Keyring* const keyring = repository.keyring();
    const std::string here =
        keyring == nullptr ? "is not sealed" : "seals to certificate " + keyring->current().hex();
    const std::optional<Digest> expected = configured ? configured
                                           : pin      ? std::optional(pin->certificate)
                                                      : std::nullopt;
    const bool is_rotated = !configured && pin && keyring != nullptr && pin->next() == keyring->current();
    const bool is_expected =
        !expected || (keyring != nullptr && (keyring->current() == *expected || is_rotated));
    if (!is_expected || (!configured && pin && pin->repository != repository.id()))
        throw Error(Kind::refused,
                    "the repository " + in_quotes(repository.root().string()) + " " + here + ", but " +
                        (configured ? "the configuration expects " : "this host sealed there to ") +
                        (pin && !configured && pin->repository != repository.id()
                             ? expected->hex() + " of another repository, " + pin->repository
                             : expected->hex()) +
                        "; nothing was stored",
                    keyring == nullptr
                        ? "if that is meant: remove " +
                              in_quotes(detail::pin_path(pin ? pin->repository : repository.id()).string()) +
                              " and certificate in [repository]"
                        : "if the key was rotated on purpose: certificate = \"" + keyring->current().hex() +
                              "\" in [repository] says so");
    if (keyring == nullptr || (pin && pin->certificate == keyring->current())) return std::nullopt;
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
