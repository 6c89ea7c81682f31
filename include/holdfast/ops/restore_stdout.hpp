// ops/restore_stdout.hpp - one component as a stream, for pipes.
//
// A database or dump is its own bytes; a tree is a tar, whole or the chosen parts; one chosen regular file is its content.
// What is handed on is proven only when this returns: a reader must look at the exit code.
#pragma once

#include "holdfast/ops/choose_components.hpp"
#include "holdfast/ops/restore_file.hpp"
#include "holdfast/store/tree_extract.hpp"
#include "holdfast/wrap/tar_reader.hpp"

namespace holdfast::ops {

namespace detail {

inline void copy_out(PullBytes pull, const std::function<void(ByteSpan)>& out) {
    Bytes buffer(256_KiB);
    while (const std::size_t n = pull(buffer)) {
        check_interrupted();
        out(ByteSpan(buffer).first(n));
    }
}

/// The content of the one file that `wanted` yields, checked against the index.
inline void copy_content(PullBytes tar, const WantedSource& wanted,
                         const std::function<void(ByteSpan)>& out) {
    class Content final : public TreeVisitor {
    public:
        explicit Content(const std::function<void(ByteSpan)>& sink) : sink_(sink) {}
        void begin(const WantedEntry&, const TarEntry&) override {}
        void data(std::uint64_t offset, ByteSpan bytes) override {
            fill(offset);
            sink_(bytes);
            at_ += bytes.size();
        }
        void end(const WantedEntry& w) override {
            if (w.entry.type == EntryType::file) fill(w.entry.content_bytes());
        }
        void bad_content(const WantedEntry& w, const std::string& why) override {
            throw Error(Kind::corrupt, in_quotes(w.entry.path) + ": " + why);
        }

    private:
        void fill(std::uint64_t until) {  // a hole
            static const Bytes kZeros(64_KiB);
            while (at_ < until) {
                const std::size_t n = std::min<std::uint64_t>(kZeros.size(), until - at_);
                sink_(ByteSpan(kZeros).first(n));
                at_ += n;
            }
        }
        const std::function<void(ByteSpan)>& sink_;
        std::uint64_t at_ = 0;
    } content(out);
    match_tree(std::move(tar), wanted, content);
}

inline void tree_to_stdout(ObjectReader& reader, const Component& c, const std::vector<std::string>& globs,
                           const std::function<void(ByteSpan)>& out) {
    if (globs.empty()) return copy_out(pull_extents(reader, extents_of_component(reader, c)), out);
    TreeSelection selection(globs);
    selection.learn(entries_of_component(reader, c));
    if (selection.matched() == 0)
        throw Error(Kind::not_found, "no file of " + in_quotes(c.name) + " matches the given --path",
                    "catalog files lists what there is");
    std::vector<IndexEntry> files;
    const WantedSource wanted = selection.wanted(entries_of_component(reader, c));
    while (const auto w = wanted())
        if (files.size() < 2 && w->entry.type != EntryType::directory) files.push_back(w->entry);
    const auto tar = [&](const std::vector<ByteRange>& ranges) {
        return pull_extents(reader, slice(extents_of_component(reader, c), ranges));
    };
    if (selection.matched() == 1 && files.size() == 1 && files[0].type == EntryType::file) {
        const WantedSource one = [entry = std::optional(files[0])]() mutable -> std::optional<WantedEntry> {
            if (!entry) return std::nullopt;
            WantedEntry w{*std::exchange(entry, std::nullopt), {}, {}};
            w.path = w.entry.path;
            return w;
        };
        return copy_content(tar({{files[0].offset, files[0].length}}), one, out);
    }
    copy_out(tar(ranges_of(selection.wanted(entries_of_component(reader, c)))), out);
    out(Bytes(1024));  // two empty records end a tar
}

}  // namespace detail

/// Throws: usage unless exactly one component is chosen; not_found, corrupt, io, busy.
inline void restore_to_stdout(const Repository& repository, const Manifest& manifest,
                              const ComponentChoice& choice, const std::function<void(ByteSpan)>& out,
                              std::chrono::seconds lock_wait) {
    const FileLock lock = repository.lock(LockMode::shared, lock_wait);
    const std::vector<const Component*> chosen = choose_components(manifest, choice);
    if (chosen.size() != 1)
        throw Error(Kind::usage,
                    "--stdout takes one component, and " + std::to_string(chosen.size()) + " are chosen",
                    "name one with --component");
    ObjectReader reader(repository);
    if (chosen[0]->is_tree())
        detail::tree_to_stdout(reader, *chosen[0], choice.globs, out);
    else
        read_component(reader, *chosen[0], out);
}

}  // namespace holdfast::ops
