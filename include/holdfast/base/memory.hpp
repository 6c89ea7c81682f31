// base/memory.hpp - how a tool's process uses its heap.
#pragma once

#include <malloc.h>

namespace holdfast {

/// Buffers of a megabyte come and go all the time here: kept and used again instead of mapped, zeroed and unmapped by the
/// kernel each time (a restore spent half of its system time so), and in few arenas, so that threads share what is free.
inline void keep_freed_memory() {
    ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 128 << 20);
    ::mallopt(M_ARENA_MAX, 2);
}

}  // namespace holdfast
