// cli/notes.hpp - lines for people on standard error: "tool: level: text".
#pragma once

#include <unistd.h>

#include <string>

#include "holdfast/base/text.hpp"

namespace holdfast::cli {

inline void say(const std::string& tool, const std::string& level, const std::string& text) {
    const std::string line = tool + ": " + level + ": " + printable(text) + "\n";
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace holdfast::cli
