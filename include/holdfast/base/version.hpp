// base/version.hpp - the version of holdfast. CMakeLists.txt names it and passes it to every user of the target.
#pragma once

namespace holdfast {

#ifdef HOLDFAST_VERSION
inline constexpr const char* kVersion = HOLDFAST_VERSION;
#else
inline constexpr const char* kVersion = "unknown";
#endif

}  // namespace holdfast
