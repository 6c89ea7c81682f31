// ops/finding.hpp - one thing that verify noticed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::ops {

enum class Severity { damage, warning };

inline constexpr const char* kKeysItem = "keys";  // an item that is no file of a snapshot: recovery keys

inline const char* severity_name(Severity severity) {
    return severity == Severity::damage ? "damage" : "warning";
}

/// What a bad object means for one component.
struct Touched {
    std::string component;
    std::string part;        // recipe, index, data; unknown: the recipe that would tell cannot be read
    bool is_entire = false;  // all of the component: its recipe or index cannot be read
    std::vector<std::string> files;  // of a tree: the first of the paths with bytes in the object
    std::uint64_t file_count = 0;    // of a tree: how many paths there are
};

struct Finding {
    Severity severity = Severity::damage;
    std::string snapshot;   // empty: the repository itself
    std::string component;  // empty: the snapshot's own files, or see `touched`
    std::string item;       // object, file or path inside a tree
    std::string what;
    std::vector<Touched> touched = {};  // of a bad object: the components that need it
};

}  // namespace holdfast::ops
