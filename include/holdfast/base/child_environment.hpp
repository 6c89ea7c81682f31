// base/child_environment.hpp - what a child process finds in its environment.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace holdfast {

/// Our environment with these variables, "NAME=value", in place of ours.
inline std::vector<std::string> child_environment(const std::vector<std::string>& ours) {
    std::vector<std::string> out = ours;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text{*entry};
        const auto is_same = [&](const std::string& o) {
            return text.starts_with(o.substr(0, o.find('=') + 1));
        };
        if (std::none_of(ours.begin(), ours.end(), is_same)) out.push_back(text);
    }
    return out;
}

}  // namespace holdfast
