// ops/deliver_alert.hpp - hands one alert to one channel.
//
// Secrets come from files of this user only, and go nowhere but into the signature.
#pragma once

#include <sys/prctl.h>

#include "holdfast/base/child_environment.hpp"
#include "holdfast/base/clock.hpp"
#include "holdfast/base/disk.hpp"
#include "holdfast/base/process.hpp"
#include "holdfast/ops/read_secret.hpp"
#include "holdfast/policy/alerts_config.hpp"
#include "holdfast/wrap/http.hpp"

namespace holdfast::ops {

/// The receiver wants to be asked again, but not before that.
class RetryLater : public Error {
public:
    RetryLater(const std::string& message, std::chrono::seconds wait)
        : Error(Kind::io, message), wait_(wait) {}
    std::chrono::seconds wait() const noexcept { return wait_; }

private:
    std::chrono::seconds wait_;
};

/// The receiver will not take this one, however often it is sent: it is too large, say.
class AlertRefused : public Error {
public:
    using Error::Error;
};

namespace detail {

inline void run_channel_command(std::vector<std::string> argv, const ChannelConfig& channel,
                                const std::vector<std::string>& more) {
    const std::vector<std::string> environment = child_environment(more);
    Child child(std::move(argv), channel.timeout, &environment);
    child.finish();
}

inline void post_alert(const Alert& alert, const ChannelConfig& channel) {
    HttpForm form = http_form(alert, channel.kind);
    HttpRequest request;
    request.url = channel.url.empty() ? read_secret(channel.url_file) : channel.url;
    request.is_post = true;
    request.headers = std::move(form.headers);
    request.headers.push_back("X-Holdfast-Id: " + alert.id);
    request.headers.emplace_back("Expect:");
    const std::string secret =
        channel.secret_file.empty() ? channel.secret : read_secret(channel.secret_file);
    if (!secret.empty())
        request.headers.push_back("X-Holdfast-Signature: " + sign_body(secret, form.body, now_utc()));
    request.body = std::move(form.body);
    request.timeout = channel.timeout;
    request.ca_file = channel.ca_file;
    const HttpReply reply = http_send(request);
    if (reply.is_success()) return;
    const std::string what = public_part(request.url) + " answered " + std::to_string(reply.status) +
                             (reply.body.empty() ? "" : ": " + printable(cut_text(reply.body, 200)));
    if (reply.retry_after.count() > 0) throw RetryLater(what, reply.retry_after);
    if (refuses_alert(reply.status)) throw AlertRefused(Kind::io, what, "read the log of the receiver");
    throw Error(Kind::io, what,
                reply.status == 401 || reply.status == 403 ? "check the secret"
                                                           : "check the address and the receiver");
}

}  // namespace detail

/// Returns when the receiver took it. Throws: io, config.
inline void deliver_alert(const Alert& alert, const ChannelConfig& channel) {
    ::prctl(PR_SET_DUMPABLE, 0);  // no core file with a secret in it
    switch (channel.kind) {
        case ChannelKind::webhook:
        case ChannelKind::slack:
        case ChannelKind::ntfy: return detail::post_alert(alert, channel);
        case ChannelKind::command:
            return detail::run_channel_command(
                channel.shell ? shell_argv(channel.command.at(0)) : channel.command, channel,
                {"HOLDFAST_ALERT=" + dump_json(alert_json(alert)),
                 std::string("HOLDFAST_SEVERITY=") + word_for(alert.severity)});
        case ChannelKind::email:
            return detail::run_channel_command(
                shell_argv(
                    "PATH=\"$PATH:/usr/sbin:/usr/lib\"; printf %s \"$HOLDFAST_MAIL\" | sendmail -i -t"),
                channel, {"HOLDFAST_MAIL=" + mail_form(alert, channel.to)});
    }
}

}  // namespace holdfast::ops
