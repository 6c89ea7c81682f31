// ops/capture_client.hpp - a database server into the repository, by its own client programs.
//
// The same promise as for commands: a client that fails, stops early or loses its server makes no component.
#pragma once

#include "holdfast/base/child_environment.hpp"
#include "holdfast/ops/capture_command.hpp"
#include "holdfast/ops/read_secret.hpp"
#include "holdfast/source/client_stream.hpp"

namespace holdfast::ops {

namespace detail {

/// A password goes by the environment, which is readable for this user alone. Throws: config.
inline std::vector<std::string> environment_of(const ClientRun& client) {
    std::vector<std::string> more = client.environment;
    if (!client.secret_variable.empty())
        more.push_back(client.secret_variable + "=" + read_secret(client.secret_file));
    return child_environment(more);
}

/// What INFO of Redis says of its own saving, if that is bad news.
inline std::optional<std::string> saving_trouble(const std::string& info) {
    for (const char* what : {"rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"})
        if (info.find(std::string("\n") + what + ":err") != std::string::npos)
            return "the server cannot save its own data: " + std::string(what) +
                   " is err; its log and INFO memory say why";
    return std::nullopt;
}

}  // namespace detail

/// Throws: io (the client failed, stopped early, ran too long), config (it cannot be started, no secret).
inline PendingComponent capture_client(RunContext& run, const CaptureTask& task, PendingComponent out) {
    const ClientRun& client = *task.client;
    const std::vector<std::string> environment = detail::environment_of(client);
    std::optional<ClientStream> stream;
    Child child(client.argv, task.source->timeout, &environment);
    out.stream = run.capture.chunks(
        [&](ChunkFeed& feed) {
            stream.emplace(client.output, [&](ByteSpan bytes) { feed.write(bytes); });
            Bytes buffer(256_KiB);
            while (const std::size_t n = child.read(buffer)) {
                check_interrupted();
                stream->write(ByteSpan(buffer).first(n));
            }
            child.finish();
            stream->finish(in_quotes(client.argv.at(0)));
        },
        StreamCapture::StreamDigest::wanted);
    if (auto trouble = detail::saving_trouble(stream->text()))
        out.component.warnings.push_back(*std::move(trouble));
    return out;
}

}  // namespace holdfast::ops
