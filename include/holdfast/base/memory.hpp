// base/memory.hpp - how a tool's process uses its memory.
#pragma once

#include <malloc.h>
#include <sys/prctl.h>

namespace holdfast {

/// Buffers of a megabyte come and go all the time here: kept and used again instead of mapped, zeroed and unmapped by the
/// kernel each time (a restore spent half of its system time so), and in few arenas, so that threads share what is free.
inline void keep_freed_memory() {
    ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 128 << 20);
    ::mallopt(M_ARENA_MAX, 2);
}

/// No core file of this process, and no debugger of the same user: for whoever is about to hold a private key.
inline void forbid_core_dumps() { ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace holdfast
