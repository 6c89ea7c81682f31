// unit/main.cpp - runs the tests of one floor with a private home, so that no test meets the caches,
// the state or the settings of the person who runs it. Whatever the tests leave there goes at the end.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace {

void forget_settings() {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        for (const std::string_view prefix : {"HOLDFAST_", "BACKUP_", "RESTORE_", "XDG_", "GNUPGHOME"}) {
            if (text.starts_with(prefix)) names.emplace_back(text.substr(0, text.find('=')));
        }
    }
    for (const std::string& name : names) ::unsetenv(name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    forget_settings();
    std::string home = (std::filesystem::temp_directory_path() / "holdfast-unit-XXXXXX").string();
    if (::mkdtemp(home.data()) == nullptr) return 1;
    ::setenv("HOME", home.c_str(), 1);
    ::setenv("XDG_CACHE_HOME", (home + "/cache").c_str(), 1);  // root's would lie in /var
    ::setenv("XDG_STATE_HOME", (home + "/state").c_str(), 1);
    const int status = doctest::Context(argc, argv).run();
    std::error_code ignored;  // a test may have taken the rights to a folder away
    std::filesystem::remove_all(home, ignored);
    return status;
}
