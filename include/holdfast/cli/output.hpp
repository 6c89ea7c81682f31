// cli/output.hpp - standard output that does not lose anything silently.
//
// print() collects and writes in large pieces; flush() writes the rest. Both throw Error(io) when the reader
// is gone, the device full or the descriptor closed. tool_main() flushes at the end of every tool.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "holdfast/base/fd.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::cli {

class Output {
public:
    void print(std::string_view text) {
        buffer_ += text;
        if (buffer_.size() >= kPieceBytes) flush();
    }
    void flush() {
        const std::string piece = std::exchange(buffer_, {});  // never written twice, also after a failure
        try {
            write_full(STDOUT_FILENO, as_bytes(piece), "write standard output");
        } catch (const Error& e) {
            throw Error(Kind::io, e.what(),
                        "what was printed is incomplete; the work itself was done as far as it says");
        }
    }

private:
    static constexpr std::size_t kPieceBytes = 64_KiB;
    std::string buffer_;
};

/// The one standard output of this process; used by one thread.
inline Output& output() {
    static Output instance;
    return instance;
}

inline void print(std::string_view text) { output().print(text); }
inline void print_line(std::string_view text) {
    output().print(text);
    output().print("\n");
}
/// For people: indented by two. Programs do not mind.
inline void print_json(const Json& value) { print_line(dump_json(value, 2)); }

}  // namespace holdfast::cli
