// store/private_manifest.hpp - a manifest whose names only the recovery key shows.
//
// What lies in the repository has sizes, times and places, "component-1" for names, and the whole manifest sealed in
// "private". The host that wrote it keeps the plain text in its cache, because it needs the names of its own snapshots.
#pragma once

#include <string>

#include "holdfast/store/manifest_json.hpp"
#include "holdfast/store/plain_streams.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

/// Without names of sources, paths, tables, hosts, and what messages say of them; digests of plain data are zeros or absent, or
/// who has a file could find out whether it is in the backup.
inline Manifest redact(Manifest m) {
    const std::string hidden = "private";
    const auto hide = [](StoredStream& stream) {
        stream.digest = Digest{};
        for (Extent& extent : stream.extents) extent.digest.reset();
    };
    for (std::size_t i = 0; i < m.components.size(); ++i) {
        Component& c = m.components[i];
        c.name = c.source = "component-" + std::to_string(i + 1);
        c.path.clear();
        c.mount.reset();
        c.file.reset();
        if (c.digest) c.digest = Digest{};
        hide(c.recipe);
        if (c.index) hide(*c.index);
        if (c.sqlite) c.sqlite->row_counts.clear();
        for (std::string& warning : c.warnings) warning = hidden;
    }
    for (MissingSource& missing : m.missing) missing = {hidden, "", hidden};
    for (std::string& reason : m.suspect) reason = hidden;
    m.host = hidden;
    return m;
}

inline PlainStreams plain_manifests(const Repository& repository) {
    return PlainStreams(host_cache_folder(repository.id()) / "manifests");
}

struct PrivateManifest {
    std::string text;     // for manifest.json
    std::string plain;    // the whole manifest
    Digest plain_digest;  // what plain_manifests() knows it by
};

/// Throws: crypto.
inline PrivateManifest format_private_manifest(const Manifest& m, Keyring& keyring) {
    PrivateManifest out{"", format_manifest(m), {}};
    out.plain_digest = sha256(out.plain);
    Json json = parse_json(format_manifest(redact(m)), "a manifest");
    json["private_sha256"] = out.plain_digest.hex();
    json["private"] = to_base64(as_text(keyring.seal(as_bytes(out.plain))));
    out.text = dump_json(json, 2) + "\n";
    return out;
}

namespace detail {

/// The plain text of a private manifest; nothing if neither this host nor its keys know it. Throws: corrupt, io.
inline std::optional<std::string> reveal(const Repository& repository, const Manifest& m) {
    std::string plain;
    if (const auto pull = plain_manifests(repository).find(*m.private_digest)) {
        Bytes buffer(256_KiB);
        while (const std::size_t n = (*pull)(buffer)) {
            plain += as_text(ByteSpan(buffer).first(n));
            if (plain.size() > kMaxManifestBytes) break;
        }
        if (sha256(plain) == *m.private_digest) return plain;
    }
    const auto sealed = from_base64(m.private_text);
    if (!sealed) throw Error(Kind::corrupt, "manifest of " + m.id + ": 'private' is not base64");
    try {
        repository.keyring()->open(as_bytes(*sealed), [&](ByteSpan bytes) { plain = as_text(bytes); });
    } catch (const Error& e) {
        if (e.kind() == Kind::crypto) return std::nullopt;  // names stay hidden, the rest can be used
        throw;
    }
    if (sha256(plain) != *m.private_digest)
        throw Error(Kind::corrupt, "manifest of " + m.id + ": what is sealed in it is another manifest");
    try {  // this host knows it from now on: prune needs names, and has no key
        plain_manifests(repository).keep(*m.private_digest, [&](const auto& put) { put(plain); });
    } catch (const Error&) {  // then it is opened again
    }
    return plain;
}

}  // namespace detail

/// With its names, if they can be known here. Throws: corrupt, io.
inline Manifest reveal_manifest(const Repository& repository, Manifest m) {
    if (!m.private_digest || repository.keyring() == nullptr) return m;
    const std::optional<std::string> plain = detail::reveal(repository, m);
    if (!plain) return m;
    Manifest whole = parse_manifest(*plain, m.id);
    if (whole.repository != m.repository || whole.number != m.number || whole.object_count != m.object_count)
        throw Error(Kind::corrupt, "manifest of " + m.id + ": what is sealed in it contradicts it");
    whole.private_digest = m.private_digest;
    return whole;
}

}  // namespace holdfast
