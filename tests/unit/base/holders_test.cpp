#include "holdfast/base/holders.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>

#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

namespace {

/// A child that has a file open until this goes.
class OpenElsewhere {
public:
    explicit OpenElsewhere(const fs::path& path) {
        std::array<int, 2> ready{}, end{};
        REQUIRE(::pipe(ready.data()) == 0);
        REQUIRE(::pipe(end.data()) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(end[1]);
            const int fd = ::open(path.c_str(), O_RDONLY);
            char c = fd < 0 ? 'n' : 'y';
            if (::write(ready[1], &c, 1) != 1) ::_exit(1);
            ::_exit(::read(end[0], &c, 1) == 0 ? 0 : 1);
        }
        const UniqueFd ready_in{ready[0]}, ready_out{ready[1]}, end_in{end[0]};
        end_ = UniqueFd{end[1]};
        char c = 0;
        REQUIRE(::read(ready_in.get(), &c, 1) == 1);
        REQUIRE(c == 'y');
    }
    ~OpenElsewhere() {
        end_ = UniqueFd{};
        ::waitpid(pid_, nullptr, 0);
    }
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
    UniqueFd end_;
};

}  // namespace

TEST_CASE("holders: another process with the file open is named, as long as it has") {
    const TempDir dir;
    const std::string path = dir.write("db", "x").string();
    const auto id = file_id(path);
    REQUIRE(id);
    {
        const OpenElsewhere child(path);
        const auto holder = find_holder({*id});
        REQUIRE(holder);
        CHECK(holder->pid == child.pid());
        CHECK(holder->file == *id);
        CHECK(describe_process(child.pid()).starts_with("pid " + std::to_string(child.pid()) + ", "));
    }
    CHECK_FALSE(find_holder({*id}));
}

TEST_CASE("holders: a file without a name any more, and one among several, is found all the same") {
    const TempDir dir;
    const std::string path = dir.write("db", "x").string(), other = dir.write("other", "x").string();
    const auto id = file_id(path), other_id = file_id(other);
    const OpenElsewhere child(path);
    fs::remove(path);
    CHECK_FALSE(file_id(path));
    const auto holder = find_holder({*other_id, *id});
    REQUIRE(holder);
    CHECK(holder->pid == child.pid());
    CHECK(holder->file == *id);
    CHECK_FALSE(find_holder({*other_id}));
    CHECK_FALSE(find_holder({}));
}

TEST_CASE("holders: this process does not count") {
    const TempDir dir;
    const std::string path = dir.write("db", "x").string();
    const UniqueFd open = open_fd(path, O_RDONLY);
    CHECK_FALSE(find_holder({*file_id(path)}));
}

TEST_CASE("holders: a link has the identity of its file, a folder has none") {
    const TempDir dir;
    const std::string path = dir.write("db", "x").string();
    fs::create_symlink(path, dir / "link");
    CHECK(file_id((dir / "link").string()) == file_id(path));
    CHECK_FALSE(file_id(dir.path().string()));
}
