// source/tree_sqlite.hpp - how a tree capture gets the image of a SQLite file that it meets.
//
// The tree only sees ImageSource, so tests put their own in its place.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/source/sqlite_image.hpp"

namespace holdfast {

class ImageSource {
public:
    ImageSource() = default;
    ImageSource(const ImageSource&) = delete;
    ImageSource& operator=(const ImageSource&) = delete;
    virtual ~ImageSource() = default;
    virtual std::uint64_t bytes() const = 0;
    /// Do the database and its sidecars decide alone what the image is?
    virtual bool stands_alone() const { return true; }
    /// Exactly bytes() bytes, in order. Throws: busy, corrupt, io.
    virtual void copy_to(const std::function<void(ByteSpan)>& out) = 0;
};
/// Throws: not_found, busy, corrupt, io.
using ImageOpener = std::function<std::unique_ptr<ImageSource>(const std::string& path)>;

inline ImageOpener sqlite_image_opener(const SqliteImageOptions& options) {
    class Image final : public ImageSource {
    public:
        Image(const std::string& path, const SqliteImageOptions& o) : image_(path, o) {}
        std::uint64_t bytes() const override { return image_.bytes(); }
        bool stands_alone() const override { return !image_.has_hot_journal(); }
        void copy_to(const std::function<void(ByteSpan)>& out) override { image_.copy_to(out); }

    private:
        SqliteImage image_;
    };
    return [options](const std::string& path) { return std::make_unique<Image>(path, options); };
}

}  // namespace holdfast
