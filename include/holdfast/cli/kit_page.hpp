// cli/kit_page.hpp - the recovery kit as one page to print: what the repository is, who can open it, and how, by hand.
//
// It needs nothing else: no network, no script, no holdfast. The recovery key, encrypted, is there as text and as QR codes.
#pragma once

#include "holdfast/cli/html.hpp"
#include "holdfast/ops/kit_facts.hpp"
#include "holdfast/wrap/qr.hpp"

namespace holdfast::cli {

namespace detail {

inline constexpr const char* kKitStyle =
    "body{font:11pt/1.4 sans-serif;max-width:46rem;margin:2rem auto;padding:0 "
    "1rem;color:#000;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:1.6rem;break-after:avoid;overflow-wrap:anywhere}"
    "pre{font:9.5pt/1.3 monospace;border:1px solid "
    "#999;padding:.5rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem "
    ".25rem 0;border-bottom:1px solid #ccc;overflow-wrap:anywhere}td{font-family:monospace;font-size:9.5pt}"
    ".codes{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:7.5cm;break-inside:avoid}"
    "figure svg{width:100%;height:auto;display:block}figcaption{text-align:center}"
    "@media print{body{margin:0;max-width:none}}";

inline std::string html(const std::string& text) { return Html(text).str(); }

/// Lines as they are.
inline std::string html_pre(const std::string& text) {
    std::string out = "<pre>";
    for (const std::string_view line : split(text, '\n')) out += html(std::string(line)) + "\n";
    while (out.ends_with("\n\n")) out.pop_back();
    return out + "</pre>\n";
}

/// As gpg prints it, for people who compare.
inline std::string grouped(const std::string& fingerprint) {
    std::string out;
    for (std::size_t i = 0; i < fingerprint.size(); ++i) {
        if (i != 0 && i % 4 == 0) out += ' ';
        out += fingerprint[i];
    }
    return out;
}

inline std::string kit_row(const std::string& name, const std::string& value) {
    return "<tr><th>" + html(name) + "</th><td>" + html(value) + "</td></tr>\n";
}

/// An argument as a shell takes it.
inline std::string shell_word(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

inline std::string kit_facts_table(const ops::KitFacts& facts) {
    std::string out = "<table>\n" + kit_row("repository", facts.id) + kit_row("was at", facts.path) +
                      kit_row("on host", facts.host) + kit_row("this kit is of", format_utc(facts.made));
    if (facts.keys.empty()) return out + kit_row("encryption", "none") + "</table>\n";
    for (const ops::KitKey& key : facts.keys) {
        out += kit_row(key.is_current ? "certificate in use" : "older certificate", key.certificate.hex());
        for (const GpgKey& who : key.recipients)
            out += kit_row("can be opened by", grouped(who.fingerprint) + "  " + who.user);
    }
    return out + "</table>\n";
}

inline std::string kit_plain_steps(const ops::KitFacts& facts) {
    return "<p>The repository is <strong>not encrypted</strong>: whoever can read its folder can read the "
           "backups, and nothing of this sheet is needed but these commands.</p>\n<h2>Getting the data "
           "back</h2>\n" +
           html_pre("apt-get install bash coreutils jq tar zstd\ncd " + shell_word(facts.path) +
                    "                 # or wherever a copy of it is\n./recover.sh list\n"
                    "./recover.sh latest /srv/restored\n") +
           "<p><code>RECOVER.md</code> says how to do it without that script, too.</p>\n";
}

inline std::string kit_sealed_steps(const ops::KitFacts& facts) {
    return "<p>The backups are encrypted. To read them takes a copy of the repository <strong>and the secret "
           "OpenPGP key of one of the people above</strong>; any one is enough. This sheet holds no secret: "
           "the recovery key on it is encrypted to them. Keep it away from the host, together with the other "
           "papers that you would look for after a fire.</p>\n<h2>Getting the data back</h2>\n"
           "<p>1. On a machine that has such a key, with a copy of the repository:</p>\n" +
           html_pre("apt-get install bash coreutils jq tar zstd openssl gpg\ncd " + shell_word(facts.path) +
                    "                 # or wherever the copy is\n./recover.sh list\n"
                    "./recover.sh latest /srv/restored\n") +
           "<p>2. If the OpenPGP key is on another machine, decrypt the recovery keys there (all of them: a "
           "snapshot may need older ones, too), carry them over, and delete them in the end:</p>\n" +
           html_pre(
               "(umask 077; for f in keys/*.key.asc; do gpg --decrypt \"$f\"; done >recovery.pem)\n"
               "HOLDFAST_KEY_FILE=recovery.pem ./recover.sh latest /srv/restored\n"
               "# or by holdfast: restore --repo . --key-file recovery.pem latest --target /srv/restored\n"
               "shred -u recovery.pem\n") +
           "<p>3. If the repository has lost its folder <code>keys/</code>: type the text below, or scan its "
           "codes one after the other, into a file of the name above it, and put it there. "
           "<code>recover.sh</code> "
           "and <code>RECOVER.md</code>, which says how to do it all by hand, are in every repository and "
           "beside "
           "this page.</p>\n";
}

inline std::string kit_key(const ops::KitKey& key) {
    const std::string name = "keys/" + key.certificate.hex() + ".key.asc";
    std::string out = "<h2>" + html(name) + "</h2>\n<p>" +
                      (key.is_current ? "Of the certificate in use."
                                      : "Of an older certificate: snapshots from then need it.") +
                      " With a line break after every line, its SHA-256 is</p>\n" +
                      html_pre(sha256(key.wrapped).hex()) + html_pre(key.wrapped) + "<div class='codes'>\n";
    const std::vector<std::string> parts = split_for_qr(key.wrapped);
    for (std::size_t i = 0; i < parts.size(); ++i)
        out += "<figure>" + qr_svg(parts[i]) + "<figcaption>part " + std::to_string(i + 1) + " of " +
               std::to_string(parts.size()) + "</figcaption></figure>\n";
    return out + "</div>\n";
}

}  // namespace detail

inline std::string kit_page(const ops::KitFacts& facts) {
    const std::string title = "Recovery kit: backups of " + facts.host;
    std::string out =
        "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n<meta name='viewport' "
        "content='width=device-width'>\n<title>" +
        detail::html(title) + "</title>\n<style>" + detail::kKitStyle + "</style>\n<h1>" +
        detail::html(title) + "</h1>\n" + detail::kit_facts_table(facts);
    out += facts.keys.empty() ? detail::kit_plain_steps(facts) : detail::kit_sealed_steps(facts);
    for (const ops::KitKey& key : facts.keys) out += detail::kit_key(key);
    return out + "</html>\n";
}

}  // namespace holdfast::cli
