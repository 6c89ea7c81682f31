// wrap/gpg.hpp - GnuPG through GPGME: a context, data in memory, operations that end, and what went wrong in words.
//
// GNUPGHOME is respected. An operation without a terminal gets half a minute, for then nobody can answer a question; with
// one it waits for the person. A stop signal ends it. Keys: gpg_keys.hpp; messages: gpg_crypt.hpp; signatures:
// gpg_sign.hpp. A context is used by one thread.
#pragma once

#include <gpgme.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "holdfast/base/secret.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

/// For messages: where gpg looks for keys.
inline std::string gpg_home() {
    const char* home = std::getenv("GNUPGHOME");
    return home != nullptr && *home != '\0' ? home : "~/.gnupg";
}

/// Why gpg can do nothing there, as the rest of a sentence; empty if the folder is in order. To be asked after a failure: gpg
/// makes a missing ~/.gnupg when it can, and of one that it cannot use it says "no data" or "no such key".
inline std::string gpg_home_trouble() {
    const char* const home = std::getenv("GNUPGHOME");
    const bool is_named = home != nullptr && *home != '\0';
    const char* const user = is_named ? nullptr : std::getenv("HOME");
    if (!is_named && user == nullptr) return "";  // gpg asks the system's list of users
    const std::string path = is_named ? home : std::string(user) + "/.gnupg";
    struct stat st {};
    std::string why;
    if (::stat(path.c_str(), &st) != 0)
        why = errno == ENOENT ? "does not exist" : std::strerror(errno);
    else if (!S_ISDIR(st.st_mode))
        why = "is not a folder";
    else if (::access(path.c_str(), R_OK | X_OK) != 0)
        why = "may not be read by this user";
    return why.empty() ? "" : "gpg's home " + in_quotes(path) + " " + why;
}
inline constexpr const char* kGpgHomeHint =
    "GNUPGHOME, else HOME, says where the keyring is; is it set for this job?";

/// Pinentry asks on the terminal that gpg names: ours, also where standard output goes into a file.
inline bool name_terminal() {
    if (std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr) return true;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        std::array<char, 256> name{};
        if (::ttyname_r(fd, name.data(), name.size()) != 0) continue;
        ::setenv("GPG_TTY", name.data(), 0);
        return true;
    }
    return false;
}

namespace detail {

inline constexpr std::size_t kMaxPlainBytes = 16_KiB;    // a private key of EC P-256 has 241 bytes
inline constexpr std::size_t kMaxArmoredBytes = 64_KiB;  // the same for dozens of recipients with RSA keys

/// How long an operation may take when nobody can type a passphrase or touch a card.
inline constexpr std::chrono::seconds kUnattendedLimit{30};

inline std::string gpg_text(gpgme_error_t error) {
    std::array<char, 256> text{};
    gpgme_strerror_r(error, text.data(), text.size());
    return text.data();
}

inline bool gpg_failed_with(gpgme_error_t error, gpgme_err_code_t code) {
    return gpgme_err_code(error) == code;
}

/// Throws: crypto.
inline void check_gpg(gpgme_error_t error, const std::string& doing, const std::string& hint = {}) {
    if (error != 0) throw Error(Kind::crypto, doing + ": " + gpg_text(error), hint);
}

/// Once per process. Throws: config if gpg is not installed.
inline void start_gpg_engine() {
    static const bool started = [] {
        gpgme_check_version(nullptr);
        gpgme_set_locale(nullptr, LC_CTYPE, std::setlocale(LC_CTYPE, nullptr));
        return gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP) == 0;
    }();
    if (!started) throw Error(Kind::config, "gpg cannot be started", "apt-get install gpg gpg-agent");
}

struct GpgFree {
    void operator()(gpgme_context* c) const noexcept { gpgme_release(c); }
    void operator()(gpgme_data* d) const noexcept { gpgme_data_release(d); }
    void operator()(_gpgme_key* k) const noexcept { gpgme_key_unref(k); }
};
using GpgKeyHandle = std::unique_ptr<_gpgme_key, GpgFree>;
using GpgDataHandle = std::unique_ptr<gpgme_data, GpgFree>;

class GpgContext {
public:
    /// `unattended_limit`: how long an operation may take where nobody can be asked. Throws: config, crypto.
    explicit GpgContext(std::chrono::seconds unattended_limit = kUnattendedLimit) : limit_(unattended_limit) {
        start_gpg_engine();
        has_person_ = name_terminal();
        gpgme_ctx_t raw = nullptr;
        check_gpg(gpgme_new(&raw), "start gpg");
        context_.reset(raw);
        check_gpg(gpgme_set_protocol(raw, GPGME_PROTOCOL_OpenPGP), "start gpg", "apt-get install gpg");
        gpgme_set_armor(raw, 1);
        gpgme_set_offline(raw, 1);  // no key server is ever asked
    }
    gpgme_ctx_t get() const { return context_.get(); }

    /// `started` is what a gpgme_op_*_start() returned. Returns how the operation ended. Throws: crypto (took too long),
    /// interrupted.
    gpgme_error_t finish(gpgme_error_t started, const std::string& doing) {
        if (started != 0) return started;
        const auto begin = std::chrono::steady_clock::now();
        gpgme_error_t result = 0;
        while (gpgme_wait(get(), &result, 0) == nullptr) {
            if (result != 0) return result;
            const bool is_late = !has_person_ && std::chrono::steady_clock::now() - begin > limit_;
            if (is_interrupted() || is_late) gpgme_cancel(get());
            check_interrupted();
            if (is_late)
                throw Error(Kind::crypto, doing + ": gpg did not answer within " + format_duration(limit_),
                            "is its agent stuck? gpgconf --kill gpg-agent; a passphrase needs a terminal");
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
        return result;
    }

private:
    std::unique_ptr<gpgme_context, GpgFree> context_;
    std::chrono::seconds limit_;
    bool has_person_ = false;
};

/// Reads what we have; it must outlive the handle. GPGME wipes its own buffers.
inline GpgDataHandle gpg_input(ByteSpan bytes) {
    gpgme_data_t raw = nullptr;
    check_gpg(gpgme_data_new_from_mem(&raw, reinterpret_cast<const char*>(bytes.data()), bytes.size(), 0),
              "hand data to gpg");
    gpgme_data_set_flag(raw, "sensitive", "1");
    return GpgDataHandle{raw};
}

/// What gpg wrote, if it is no secret. Throws: crypto (too much).
class GpgText {
public:
    GpgText() {
        gpgme_data_t raw = nullptr;
        check_gpg(gpgme_data_new(&raw), "take data from gpg");
        data_.reset(raw);
    }
    gpgme_data_t get() const { return data_.get(); }
    std::string take() {
        std::size_t size = 0;
        char* const text = gpgme_data_release_and_get_mem(data_.release(), &size);
        if (text == nullptr) return {};
        const std::string out(text, std::min(size, kMaxArmoredBytes));
        gpgme_free(text);
        if (size > kMaxArmoredBytes) throw Error(Kind::crypto, "gpg's answer is unreasonably long");
        return out;
    }

private:
    GpgDataHandle data_;
};

/// Where gpg writes a secret: locked memory of a fixed size. More than fits ends the operation.
class GpgSecret {
public:
    explicit GpgSecret(std::size_t max_bytes) : bytes_(max_bytes) {
        calls_.write = &GpgSecret::write;
        gpgme_data_t raw = nullptr;
        check_gpg(gpgme_data_new_from_cbs(&raw, &calls_, this), "take data from gpg");
        data_.reset(raw);
        gpgme_data_set_flag(raw, "sensitive", "1");
    }
    GpgSecret(const GpgSecret&) = delete;
    GpgSecret& operator=(const GpgSecret&) = delete;

    gpgme_data_t get() const { return data_.get(); }
    bool is_too_large() const { return is_too_large_; }
    SecretBytes take() const { return SecretBytes(bytes_.view().first(used_)); }

private:
    static ssize_t write(void* self, const void* data, std::size_t size) {
        auto& out = *static_cast<GpgSecret*>(self);
        if (size > out.bytes_.size() - out.used_) {
            out.is_too_large_ = true;
            errno = EFBIG;
            return -1;
        }
        std::memcpy(out.bytes_.writable().data() + out.used_, data, size);
        out.used_ += size;
        return static_cast<ssize_t>(size);
    }
    SecretBytes bytes_;
    std::size_t used_ = 0;
    bool is_too_large_ = false;
    gpgme_data_cbs calls_{};
    GpgDataHandle data_;
};

}  // namespace detail

}  // namespace holdfast
