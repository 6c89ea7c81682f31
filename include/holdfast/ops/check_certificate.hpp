// ops/check_certificate.hpp - is what this host is about to seal to still what it sealed to before?
//
// Who can write to a repository could put a certificate of his own into it, or say that it is not sealed: then the next
// backup would be his to read. So the host remembers, by the repository's id and by its path, outside of it.
#pragma once

#include <optional>
#include <string>

#include "holdfast/store/repository.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::ops {

namespace detail {

struct CertificatePin {
    std::string repository;  // id
    std::string path;
    Digest certificate;
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
    return CertificatePin{fields.text("repository"), fields.text("path"), *certificate};
}

/// By the id, or whatever this host knew at this path.
inline std::optional<CertificatePin> find_pin(const Repository& repository) {
    if (auto pin = read_pin(pin_path(repository.id()))) return pin;
    if (!fs::exists(host_state_folder())) return std::nullopt;
    for (const std::string& name : list_directory(host_state_folder())) {
        if (!name.ends_with(".certificate")) continue;
        auto pin = read_pin(host_state_folder() / name);
        if (pin && pin->path == json_text(repository.root().string())) return pin;
    }
    return std::nullopt;
}

}  // namespace detail

/// What this host shall expect from now on. Whoever makes or rotates keys calls it. Throws: io.
inline void pin_certificate(const Repository& repository) {
    make_directories(host_state_folder());
    if (const auto old = detail::find_pin(repository)) ::unlink(detail::pin_path(old->repository).c_str());
    if (repository.keyring() == nullptr) return;
    const Json json = {{"repository", repository.id()},
                       {"path", json_text(repository.root().string())},
                       {"certificate", repository.keyring()->current().hex()}};
    publish_file(detail::pin_path(repository.id()), as_bytes(dump_json(json, 2) + "\n"));
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
    const bool is_expected = !expected || (keyring != nullptr && keyring->current() == *expected);
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
    pin_certificate(repository);
    if (configured) return std::nullopt;
    return "this host seals to certificate " + keyring->current().hex() +
           " for the first time; it will refuse any other from now on";
}

}  // namespace holdfast::ops
