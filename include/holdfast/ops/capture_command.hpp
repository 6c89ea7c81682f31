// ops/capture_command.hpp - what a command prints, or what comes on standard input, into the repository.
//
// A command that fails, prints nothing or stops early makes no component: a torn dump must never look like a backup.
#pragma once

#include <poll.h>

#include "holdfast/base/process.hpp"
#include "holdfast/ops/capture_sqlite.hpp"

namespace holdfast::ops {

namespace detail {

inline constexpr std::size_t kTailBytes = 4096;  // where the closing text of a dump is looked for

inline void keep_tail(std::string& tail, ByteSpan bytes) {
    tail.append(as_text(bytes.size() > kTailBytes ? bytes.last(kTailBytes) : bytes));
    if (tail.size() > kTailBytes) tail.erase(0, tail.size() - kTailBytes);
}

/// Reads `pull` to its end into chunks.
inline CapturedStream capture_pulled(RunContext& run, const PullBytes& pull, std::string& tail,
                                     const std::function<void()>& finish) {
    return run.capture.chunks(
        [&](ChunkFeed& feed) {
            Bytes buffer(256_KiB);
            while (const std::size_t n = pull(buffer)) {
                check_interrupted();
                feed.write(ByteSpan(buffer).first(n));
                keep_tail(tail, ByteSpan(buffer).first(n));
            }
            finish();
        },
        StreamCapture::StreamDigest::wanted);
}

inline void check_output(const CapturedStream& stream, const CaptureTask& task, const std::string& tail,
                         const std::string& who) {
    if (stream.bytes == 0 && !task.source->allow_empty)
        throw Error(Kind::io, who + " gave no output",
                    "run it by hand to see why; allow_empty = true accepts nothing as an answer");
    const std::string& end = task.source->expect_end;
    if (!end.empty() && tail.find(end) == std::string::npos)
        throw Error(Kind::io, who + " stopped early: its output does not end with " + in_quotes(end),
                    "run it by hand to see why");
}

}  // namespace detail

/// Throws: io (the command failed, printed nothing, ran too long), config (it cannot be started).
inline PendingComponent capture_command(RunContext& run, const CaptureTask& task, PendingComponent out) {
    const SourceConfig& source = *task.source;
    Child child(source.shell ? shell_argv(source.command.at(0)) : source.command, source.timeout);
    std::string tail;
    out.stream = detail::capture_pulled(
        run, [&](std::span<std::byte> into) { return child.read(into); }, tail, [&] { child.finish(); });
    detail::check_output(*out.stream, task, tail, "the command of source " + in_quotes(source.name));
    return out;
}

/// Throws: io.
inline PendingComponent capture_stdin(RunContext& run, const CaptureTask& task, PendingComponent out) {
    std::string tail;
    out.stream = detail::capture_pulled(
        run,
        [](std::span<std::byte> into) {
            pollfd input{STDIN_FILENO, POLLIN, 0};
            for (int ready = 0; ready <= 0;
                 ready = ::poll(&input, 1, 100)) {  // its writer may be silent for hours
                if (ready < 0 && errno != EINTR) throw_os("wait for standard input");
                check_interrupted();
            }
            return read_some(STDIN_FILENO, into, "read standard input");
        },
        tail, [] {});
    detail::check_output(*out.stream, task, tail, "standard input");
    return out;
}

}  // namespace holdfast::ops
