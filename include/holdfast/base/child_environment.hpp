// base/child_environment.hpp - what a child process finds in its environment.
//
// Never where alerts go nor what signs them: commands of the configuration have no business with that.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// callers_environment of scripts/lib/base.sh leaves out the same.
inline constexpr std::array<std::string_view, 2> kOwnSecrets = {"ALERT_WEBHOOK_SECRET=",
                                                                "ALERT_WEBHOOK_URL="};

/// Our environment with these variables, "NAME=value", in place of ours, and without our secrets.
inline std::vector<std::string> child_environment(const std::vector<std::string>& ours) {
    std::vector<std::string> out = ours;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text{*entry};
        const auto is_same = [&](const std::string& o) {
            return text.starts_with(o.substr(0, o.find('=') + 1));
        };
        const bool is_secret = std::any_of(kOwnSecrets.begin(), kOwnSecrets.end(),
                                           [&](std::string_view name) { return text.starts_with(name); });
        if (!is_secret && std::none_of(ours.begin(), ours.end(), is_same)) out.push_back(text);
    }
    return out;
}

}  // namespace holdfast
