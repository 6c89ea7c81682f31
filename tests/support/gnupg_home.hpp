// support/gnupg_home.hpp - a private keyring under a short path (a socket's path has at most 107 bytes), and its keys.
//
// GNUPGHOME points at it while it lives; its agents end with it.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "support/temp_dir.hpp"

namespace holdfast::testing {

class GnupgHome {
public:
    explicit GnupgHome(const std::string& config = "") {
        dir_.write("gpg.conf", config);
        use();
    }
    GnupgHome(const GnupgHome&) = delete;
    GnupgHome& operator=(const GnupgHome&) = delete;
    ~GnupgHome() {
        kill_agents();
        ::unsetenv("GNUPGHOME");
    }
    void use() const { ::setenv("GNUPGHOME", dir_.path().c_str(), 1); }
    const TempDir& dir() const { return dir_; }
    void configure(const std::string& config) const { dir_.write("gpg.conf", config); }
    void kill_agents() const {
        run("gpgconf --homedir '" + dir_.path().string() + "' --kill all >/dev/null 2>&1 || true");
    }

    /// Runs `gpg --batch --yes ARGUMENTS` in this home and returns what it printed.
    std::string gpg(const std::string& arguments) const {
        run("gpg --homedir '" + dir_.path().string() + "' --batch --yes " + arguments + " >'" +
            (dir_ / "out").string() + "' 2>'" + (dir_ / "err").string() + "'");
        return dir_.read("out");
    }
    /// Makes a key for everything, or what `usage` says, and returns its fingerprint. future-default is ed25519 and cv25519.
    std::string make_key(const std::string& user, const std::string& algorithm = "future-default",
                         const std::string& options = "--passphrase ''", const std::string& expires = "never",
                         const std::string& usage = "default") const {
        const std::string said = gpg("--status-fd 1 " + options + " --quick-gen-key '" + user + "' " +
                                     algorithm + " " + usage + " " + expires);
        const std::size_t at = said.find("KEY_CREATED ");
        if (at == std::string::npos) throw std::runtime_error("no key was made: " + said);
        return said.substr(at + 14, 40);
    }
    std::string make_rsa_key(const std::string& user) const {
        const std::string key = make_key(user, "rsa2048", "--passphrase ''", "never", "sign,cert");
        gpg("--passphrase '' --quick-add-key " + key + " rsa2048 encr never");
        return key;
    }
    /// With the certificate that gpg keeps for this, which a colon keeps from being imported by mistake.
    void revoke(const std::string& key) const {
        std::string text = dir_.read("openpgp-revocs.d/" + key + ".rev");
        text.erase(text.find(":-----BEGIN"), 1);
        gpg("--import '" + dir_.write("revocation.asc", text).string() + "'");
    }

private:
    void run(const std::string& line) const {
        if (std::system(line.c_str()) != 0) throw std::runtime_error(line + ": " + dir_.read("err"));
    }
    TempDir dir_;
};

}  // namespace holdfast::testing
