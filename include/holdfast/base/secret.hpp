// base/secret.hpp - bytes that never reach the swap or a core file, and are wiped when they are no longer needed.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <utility>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

/// Of a fixed size, in pages of its own: locked in memory and left out of core files. Move-only.
class SecretBytes {
public:
    SecretBytes() = default;
    /// All zeros. Throws: crypto when memory cannot be locked.
    explicit SecretBytes(std::size_t size) : size_(size) {
        if (size == 0) return;
        void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED) throw_os("get memory for a secret");
        data_ = static_cast<std::byte*>(pages);
        ::madvise(pages, size, MADV_DONTDUMP);
        if (::mlock(pages, size) != 0) {
            free();
            throw Error(Kind::crypto, "memory for a secret cannot be locked: it could be written to the swap",
                        "raise the limit: ulimit -l, or LimitMEMLOCK in a unit");
        }
    }
    explicit SecretBytes(ByteSpan copy) : SecretBytes(copy.size()) {
        if (size_ != 0) std::memcpy(data_, copy.data(), size_);
    }
    SecretBytes(SecretBytes&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        if (this != &other) {
            free();
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    ~SecretBytes() { free(); }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::span<std::byte> writable() noexcept { return {data_, size_}; }
    ByteSpan view() const noexcept { return {data_, size_}; }

private:
    void free() noexcept {
        if (data_ == nullptr) return;
        ::explicit_bzero(data_, size_);
        ::munmap(data_, size_);
        data_ = nullptr;
    }
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace holdfast
