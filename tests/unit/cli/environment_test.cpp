#include "holdfast/cli/environment.hpp"

#include <doctest/doctest.h>

#include <map>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using holdfast::testing::TempDir;

namespace {

Lookup variables(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
        const auto at = values.find(name);
        return at == values.end() ? std::nullopt : std::optional(at->second);
    };
}

/// A current folder for the time of a test.
class WorkIn {
public:
    explicit WorkIn(const fs::path& path) : old_(fs::current_path()) { fs::current_path(path); }
    WorkIn(const WorkIn&) = delete;
    WorkIn& operator=(const WorkIn&) = delete;
    ~WorkIn() { fs::current_path(old_); }

private:
    fs::path old_;
};

const char* const kFile = "[repository]\npath = \"repo\"\n";
const char* const kCommand = "[[source]]\nname = \"c\"\nkind = \"command\"\ncommand = \"true\"\n";

cli::Environment load(const cli::CommonFlags& flags, std::map<std::string, std::string> values = {},
                      cli::Commands commands = cli::Commands::may_run) {
    return cli::load_environment(flags, commands, variables(std::move(values)));
}

cli::CommonFlags with_config(const fs::path& path) {
    cli::CommonFlags flags;
    flags.config = path.string();
    return flags;
}

}  // namespace

TEST_CASE("environment: the flag wins over the variable, the variable over ./holdfast.toml") {
    const TempDir dir;
    dir.write("holdfast.toml", "[repository]\npath = \"here\"\n");
    dir.write("a/variable.toml", "[repository]\npath = \"named\"\n");
    const WorkIn work(dir.path());
    const std::string base = fs::current_path().string();
    CHECK(load({}).repository() == base + "/here");
    CHECK(load({}).config_file == base + "/holdfast.toml");
    CHECK(load({}, {{"HOLDFAST_CONFIG", "a/variable.toml"}}).repository() == base + "/a/named");
    CHECK(load({}, {{"HOLDFAST_CONFIG", ""}}).repository() == base + "/here");
    dir.write("flag.toml", kFile);
    CHECK(load(with_config("flag.toml"), {{"HOLDFAST_CONFIG", "a/variable.toml"}}).repository() ==
          base + "/repo");
}

TEST_CASE("environment: --repo wins over the variables, which win over the file") {
    const TempDir dir;
    cli::CommonFlags flags = with_config(dir.write("h.toml", kFile));
    CHECK(load(flags, {{"BACKUP_ROOT", "/b"}}).repository() == "/b");
    CHECK(load(flags, {{"BACKUP_ROOT", "/b"}, {"HOLDFAST_REPO", "/h"}}).repository() == "/h");
    flags.repo = "/flag";
    CHECK(load(flags, {{"BACKUP_ROOT", "/b"}, {"HOLDFAST_REPO", "/h"}}).repository() == "/flag");
    const WorkIn work(dir.path());
    flags.repo = "./rel/";
    CHECK(load(flags).repository() == fs::current_path().string() + "/rel");
}

TEST_CASE(
    "environment: without any configuration --repo is enough, and without it the error says what to do") {
    const TempDir dir;
    const WorkIn work(dir.path());
    if (fs::exists("/etc/holdfast/holdfast.toml")) return;
    cli::CommonFlags flags;
    flags.repo = "r";
    CHECK(load(flags).repository() == fs::current_path().string() + "/r");
    CHECK(load(flags).config_file.empty());
    const Error e = catch_error([] { load({}).repository(); });
    CHECK(e.kind() == Kind::config);
    CHECK(contains(e.hint(), "--repo"));
}

TEST_CASE("environment: a named configuration that cannot be read is a configuration error") {
    const TempDir dir;
    const Error missing = catch_error([&] { load(with_config(dir / "none.toml")); });
    CHECK(missing.kind() == Kind::config);
    CHECK(contains(missing.what(), "none.toml': No such file"));
    CHECK(catch_error([&] { load(with_config(dir.path())); }).kind() == Kind::config);
    dir.write("big.toml", std::string(kMaxTomlBytes + 1, '#'));
    CHECK(contains(catch_error([&] { load(with_config(dir / "big.toml")); }).what(), "larger than"));
}

TEST_CASE("environment: a configuration without a repository says so") {
    const TempDir dir;
    const Error e = catch_error([&] { load(with_config(dir.write("h.toml", ""))).repository(); });
    CHECK(e.kind() == Kind::config);
    CHECK(contains(e.what(), "h.toml' names no repository"));
}

TEST_CASE("environment: --config /dev/null works without any configuration") {
    cli::CommonFlags flags = with_config("/dev/null");
    flags.repo = "/r";
    CHECK(load(flags).config.sources.empty());
}

TEST_CASE("environment: --lock-wait replaces the configured wait") {
    cli::CommonFlags flags = with_config("/dev/null");
    CHECK(load(flags).config.repository.lock_wait == std::chrono::minutes{10});
    flags.lock_wait = std::chrono::seconds{5};
    CHECK(load(flags).config.repository.lock_wait == std::chrono::seconds{5});
}

TEST_CASE("environment: messages name the file as the person named it") {
    const TempDir dir;
    dir.write("h.toml", "x = 1\n");
    const WorkIn work(dir.path());
    CHECK(contains(catch_error([] { load(with_config("h.toml")); }).what(), "h.toml:1:1: unknown key 'x'"));
}

TEST_CASE("environment: commands in a file that others may write are refused, for snap only") {
    const TempDir dir;
    const fs::path path = dir.write("h.toml", std::string(kFile) + kCommand);
    fs::permissions(path, fs::perms{0600});
    CHECK(load(with_config(path)).config.names_commands());
    fs::permissions(path, fs::perms{0620});
    CHECK(catch_error([&] { load(with_config(path)); }).kind() == Kind::refused);
    CHECK_NOTHROW(load(with_config(path), {}, cli::Commands::never_run));
    fs::permissions(path, fs::perms{0600});
    fs::permissions(dir.path(), fs::perms{0770});
    CHECK(catch_error([&] { load(with_config(path)); }).kind() == Kind::refused);
}

TEST_CASE("environment: without commands a writable configuration is nobody's business") {
    const TempDir dir;
    const fs::path path = dir.write("h.toml", kFile);
    fs::permissions(path, fs::perms{0666});
    CHECK_NOTHROW(load(with_config(path)));
}
