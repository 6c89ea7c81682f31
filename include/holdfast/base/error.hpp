// base/error.hpp - the one exception of the project and the one table of exit codes.
//
// A Kind is what a script can branch on: its number is the exit code of the tool that fails with it.
// A message says what was tried, on what, and why it failed; the hint says what to do next.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace holdfast {

/// docs/exit-codes.md explains each; adding one needs a change there and a test.
enum class Kind {
    internal = 1,   // our bug
    usage = 2,      // wrong flags
    config = 3,     // configuration or environment wrong
    partial = 4,    // finished, but something is missing; the report names it
    corrupt = 5,    // stored bytes contradict their name, digest or format
    not_found = 6,  // the named snapshot, source or object does not exist
    busy = 7,       // a lock or database stayed busy past its budget
    io = 8,         // disk, permission, space, pipe
    crypto = 9,     // key missing, decryption or signature failed
    refused = 10,   // a safety rule stopped it
};

/// The word for a Kind in JSON reports.
inline const char* kind_name(Kind kind) {
    switch (kind) {
        case Kind::internal: return "internal";
        case Kind::usage: return "usage";
        case Kind::config: return "config";
        case Kind::partial: return "partial";
        case Kind::corrupt: return "corrupt";
        case Kind::not_found: return "not_found";
        case Kind::busy: return "busy";
        case Kind::io: return "io";
        case Kind::crypto: return "crypto";
        case Kind::refused: return "refused";
    }
    return "internal";
}

class Error : public std::runtime_error {
public:
    Error(Kind kind, const std::string& message, std::string hint = {})
        : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

    Kind kind() const noexcept { return kind_; }
    const std::string& hint() const noexcept { return hint_; }

private:
    Kind kind_;
    std::string hint_;
};

/// A system call that failed; keeps errno for the few callers that must tell ENOENT from EACCES.
class OsError : public Error {
public:
    OsError(int number, const std::string& doing, const std::string& hint = {})
        : Error(Kind::io, doing + ": " + std::generic_category().message(number),
                hint.empty() ? hint_for(number) : hint),
          number_(number) {}

    int number() const noexcept { return number_; }

private:
    static std::string hint_for(int number) {
        switch (number) {
            case ENOSPC:
            case EDQUOT: return "free some space on that file system, then run it again";
            case EACCES:
            case EPERM: return "check the owner and mode of that path";
            case EROFS: return "the file system is mounted read-only";
            case EIO: return "the device reported an error; look at the kernel log";
            case EMFILE:
            case ENFILE: return "raise the limit of open files (ulimit -n)";
            default: return {};
        }
    }
    int number_;
};

/// Call right after a failed system call. `doing` reads "write '/var/x'".
[[noreturn]] inline void throw_os(const std::string& doing) { throw OsError(errno, doing); }

/// SIGINT, SIGTERM or SIGHUP asked us to stop; tool_main ends the process by that signal.
class Interrupted : public std::runtime_error {
public:
    explicit Interrupted(int signal) : std::runtime_error("interrupted"), signal_(signal) {}
    int signal() const noexcept { return signal_; }

private:
    int signal_;
};

}  // namespace holdfast
