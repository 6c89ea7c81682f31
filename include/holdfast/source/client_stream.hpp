// source/client_stream.hpp - is what a client program wrote whole? Looks at the bytes on their way into the repository.
//
// An exit code alone is no proof: `via` may lose it. A dump of Redis carries its own sum, and a mark behind it that
// redis-cli cannot take back from a pipe is cut off here. Refuses: what begins or ends otherwise.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/crc64.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/source/pg_archive.hpp"

namespace holdfast {

/// What the stream of a client must look like, from its first byte to its last.
enum class ClientOutput { pg_dump, pg_globals, pg_base, redis_dump, redis_info };

class ClientStream {
public:
    using Sink = std::function<void(ByteSpan)>;
    ClientStream(ClientOutput output, Sink sink) : output_(output), sink_(std::move(sink)) {}

    void write(ByteSpan bytes) {
        if (head_.size() < kHeadBytes)
            head_ += as_text(bytes.first(std::min(bytes.size(), kHeadBytes - head_.size())));
        if (output_ == ClientOutput::redis_info) text_ += as_text(bytes);
        if (output_ == ClientOutput::pg_dump) archive_.write(bytes);
        held_.insert(held_.end(), bytes.begin(), bytes.end());
        if (held_.size() > kHeldBytes) let_go(held_.size() - kHeldBytes);
    }

    /// Hands on what is left. Throws: io if the stream is not whole; `who` names its writer.
    void finish(const std::string& who) {
        if (!head_.starts_with(begin()))
            throw Error(Kind::io, who + " wrote something else: " + in_quotes(head_.substr(0, kHeadBytes)),
                        "run that command by hand as this user to see why");
        if (!is_whole())
            throw Error(Kind::io, who + " stopped early: its output has no end",
                        "was the server stopped meanwhile? Its own log says why");
        let_go(held_.size());
    }
    /// What a redis_info said.
    const std::string& text() const { return text_; }

private:
    static constexpr std::size_t kHeadBytes = 64;
    static constexpr std::size_t kMarkBytes = 40;    // random hex digits (redis-cli.c, RDB_EOF_MARK_SIZE)
    static constexpr std::size_t kHeldBytes = 1536;  // a tar ends with 1024 zero bytes

    const char* begin() const {
        switch (output_) {
            case ClientOutput::pg_dump: return "PGDMP";
            case ClientOutput::pg_globals: return "--\n-- PostgreSQL database cluster dump";
            case ClientOutput::pg_base: return "";  // a tar begins with a name
            case ClientOutput::redis_dump: return "REDIS";
            case ClientOutput::redis_info: return "# Server";
        }
        return "";
    }
    bool is_whole() {
        const ByteSpan held(held_);
        switch (output_) {
            case ClientOutput::pg_globals:
                return as_text(held).find("-- PostgreSQL database cluster dump complete") !=
                       std::string::npos;
            case ClientOutput::pg_base:
                return held.size() >= 1024 && std::all_of(held.end() - 1024, held.end(),
                                                          [](std::byte b) { return b == std::byte{0}; });
            case ClientOutput::redis_dump: return ends_dump(0) || (is_marked() && ends_dump(kMarkBytes));
            case ClientOutput::redis_info: return text_.find("\n# Keyspace") != std::string::npos;
            case ClientOutput::pg_dump: return archive_.is_whole();
        }
        return false;
    }
    bool is_marked() const {
        return held_.size() >= kMarkBytes &&
               std::all_of(held_.end() - kMarkBytes, held_.end(), [](std::byte b) {
                   const char c = static_cast<char>(b);
                   return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
               });
    }
    /// 0xFF and the sum of everything before; zeros if the server was told to make none. Cuts off what is behind.
    bool ends_dump(std::size_t behind) {
        if (held_.size() < behind + 9) return false;
        const ByteSpan held = ByteSpan(held_).first(held_.size() - behind);
        const ByteSpan summed = held.first(held.size() - 8);
        if (summed.back() != std::byte{0xFF}) return false;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < 8; ++i)
            sum |= std::to_integer<std::uint64_t>(held[summed.size() + i]) << (8 * i);
        if (sum != 0 && sum != crc64(crc_, summed)) return false;
        held_.resize(held.size());
        return true;
    }
    void let_go(std::size_t n) {
        const ByteSpan gone = ByteSpan(held_).first(n);
        if (output_ == ClientOutput::redis_dump) crc_ = crc64(crc_, gone);
        sink_(gone);
        held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(n));
    }

    ClientOutput output_;
    Sink sink_;
    PgArchive archive_;
    std::string head_, text_;
    Bytes held_;             // the last bytes, which are judged at the end
    std::uint64_t crc_ = 0;  // of what was handed on
};

}  // namespace holdfast
