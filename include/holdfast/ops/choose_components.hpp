// ops/choose_components.hpp - which components of a snapshot a restore is about.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

struct ComponentChoice {
    std::vector<std::string> sources;     // all components of these
    std::vector<std::string> components;  // these by name
    std::vector<std::string> globs;       // parts of trees
};

/// In manifest order; nothing named means all. Globs pick trees only. Throws: not_found.
inline std::vector<const Component*> choose_components(const Manifest& manifest,
                                                       const ComponentChoice& choice) {
    const auto names = [](const std::vector<std::string>& list, const std::string& name) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    std::vector<const Component*> chosen;
    for (const Component& c : manifest.components) {
        const bool is_named = names(choice.sources, c.source) || names(choice.components, c.name);
        if (!is_named && !(choice.sources.empty() && choice.components.empty())) continue;
        if (choice.globs.empty() || c.is_tree()) chosen.push_back(&c);
    }
    const auto require = [&](bool found, const std::string& name) {
        if (!found)
            throw Error(Kind::not_found, "snapshot " + manifest.id + " holds no " + in_quotes(name),
                        "catalog show " + manifest.id + " lists what it holds");
    };
    for (const std::string& name : choice.sources)
        require(std::any_of(manifest.components.begin(), manifest.components.end(),
                            [&](const Component& c) { return c.source == name; }),
                name);
    for (const std::string& name : choice.components) require(manifest.find(name) != nullptr, name);
    if (chosen.empty())
        throw Error(Kind::not_found,
                    choice.globs.empty() ? "snapshot " + manifest.id + " holds nothing"
                                         : "--path is about trees, and nothing that was named is one",
                    "catalog show " + manifest.id + " lists what it holds");
    return chosen;
}

}  // namespace holdfast::ops
