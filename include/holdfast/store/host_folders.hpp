// store/host_folders.hpp - where this host keeps what it knows of repositories, outside of them.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace holdfast {

namespace fs = std::filesystem;

/// $XDG_…_HOME/holdfast; else /var/…/holdfast for root, or the same below the home folder of the password entry.
inline fs::path host_folder(const char* xdg_variable, const char* system_folder, const char* home_folder) {
    const char* xdg = std::getenv(xdg_variable);
    if (xdg != nullptr && xdg[0] == '/') return fs::path(xdg) / "holdfast";
    if (::geteuid() == 0) return fs::path(system_folder) / "holdfast";
    const char* home = std::getenv("HOME");
    const passwd* entry = home != nullptr && home[0] == '/' ? nullptr : ::getpwuid(::geteuid());
    if (entry != nullptr) home = entry->pw_dir;
    return fs::path(home == nullptr ? "/nonexistent" : home) / home_folder / "holdfast";
}
/// Speed only: without it a run reads everything again.
inline fs::path host_cache_folder(const std::string& repository_id) {
    return host_folder("XDG_CACHE_HOME", "/var/cache", ".cache") / repository_id;
}
/// Memory: what a repository cannot be asked about itself.
inline fs::path host_state_folder() { return host_folder("XDG_STATE_HOME", "/var/lib", ".local/state"); }

}  // namespace holdfast
