// wrap/http.hpp - one HTTP request by libcurl, bounded in time and in what is read of the answer.
//
// Redirects are not followed: a signed body must not wander. Certificates are checked. A stop signal ends it. An answer of
// any status is a value; no answer is an Error.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

struct HttpRequest {
    std::string url;  // http or https
    bool is_post = false;
    std::string body;                           // of a POST
    std::vector<std::string> headers;           // "Name: value"
    std::string ca_file;                        // instead of the system's certificates; empty: the system's
    std::chrono::milliseconds timeout{10'000};  // for all of it
    std::uint64_t max_bytes = 64_KiB;           // of the answer that are read; more end it without an error
    /// Sees the answer as it comes; false ends it without an error.
    std::function<bool(std::string_view)> on_data{};
    bool may_be_cut_off = false;  // the timeout ends an answer that has begun without an error: for streams
};

struct HttpReply {
    long status = 0;
    std::string body;  // the first max_bytes
    std::string content_type;
    std::chrono::seconds retry_after{0};
    std::chrono::milliseconds took{};
    bool is_success() const { return status >= 200 && status < 300; }
};

/// scheme://host of an URL; the rest may be a secret.
inline std::string public_part(const std::string& url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string::npos) return "(no URL)";
    const std::size_t end = url.find_first_of("/?#", scheme + 3);
    const std::size_t at = url.rfind('@', end == std::string::npos ? url.size() : end);
    const std::string host = url.substr(scheme + 3, end == std::string::npos ? end : end - scheme - 3);
    return url.substr(0, scheme + 3) +
           (at != std::string::npos && at > scheme ? host.substr(host.rfind('@') + 1) : host);
}

namespace detail {

struct CurlFree {
    void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

struct HttpTransfer {
    const HttpRequest& request;
    HttpReply reply;
    bool is_enough = false;
};

inline std::size_t on_http_data(char* data, std::size_t, std::size_t n, void* context) {
    auto& transfer = *static_cast<HttpTransfer*>(context);
    const std::size_t room = transfer.request.max_bytes - transfer.reply.body.size();
    transfer.reply.body.append(data, std::min(n, room));
    transfer.is_enough = n > room || (transfer.request.on_data && !transfer.request.on_data({data, n}));
    return transfer.is_enough ? 0 : n;
}

template <class T>
void set_option(CURL* curl, CURLoption option, T value) {
    if (curl_easy_setopt(curl, option, value) != CURLE_OK)
        throw Error(Kind::internal, "libcurl does not know option " + std::to_string(option));
}

}  // namespace detail

/// Throws: io (no answer: the message names the host only), interrupted.
inline HttpReply http_send(const HttpRequest& request) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURL, detail::CurlFree> curl{curl_easy_init()};
    if (started != CURLE_OK || !curl) throw Error(Kind::internal, "libcurl could not be started");
    detail::HttpTransfer transfer{request, {}, false};
    std::unique_ptr<curl_slist, detail::CurlFree> headers;
    for (const std::string& header : request.headers)
        headers.reset(curl_slist_append(headers.release(), header.c_str()));
    char why[CURL_ERROR_SIZE] = "";
    CURL* const c = curl.get();
    using detail::set_option;
    set_option(c, CURLOPT_URL, request.url.c_str());
    set_option(c, CURLOPT_PROTOCOLS_STR, "http,https");
    set_option(c, CURLOPT_NOSIGNAL, 1L);
    set_option(c, CURLOPT_FOLLOWLOCATION, 0L);
    set_option(c, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set_option(c, CURLOPT_ERRORBUFFER, &why[0]);
    set_option(c, CURLOPT_HTTPHEADER, headers.get());
    set_option(c, CURLOPT_USERAGENT, "holdfast");
    set_option(c, CURLOPT_WRITEFUNCTION, &detail::on_http_data);
    set_option(c, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set_option(c, CURLOPT_NOPROGRESS, 0L);
    set_option(
        c, CURLOPT_XFERINFOFUNCTION,
        +[](void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return is_interrupted() ? 1 : 0; });
    if (!request.ca_file.empty()) set_option(c, CURLOPT_CAINFO, request.ca_file.c_str());
    if (request.is_post) {
        set_option(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set_option(c, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    const auto begin = std::chrono::steady_clock::now();
    const CURLcode rc = curl_easy_perform(c);
    HttpReply& reply = transfer.reply;
    reply.took = std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    check_interrupted();
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply.status);
    const bool is_cut_off = rc == CURLE_OPERATION_TIMEDOUT && request.may_be_cut_off && reply.status != 0;
    if (rc != CURLE_OK && !is_cut_off && !(rc == CURLE_WRITE_ERROR && transfer.is_enough))
        throw Error(Kind::io,
                    "no answer from " + public_part(request.url) + ": " +
                        (why[0] != '\0' ? printable(why) : curl_easy_strerror(rc)),
                    "check that it runs and that this host may reach it");
    curl_off_t wait = 0;
    if (curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
        reply.retry_after = std::chrono::seconds{std::min<curl_off_t>(wait, 3600)};
    const char* type = nullptr;
    if (curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != nullptr)
        reply.content_type = type;
    return std::move(reply);
}

}  // namespace holdfast
