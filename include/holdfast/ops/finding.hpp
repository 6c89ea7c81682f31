// ops/finding.hpp - one thing that verify noticed.
#pragma once

#include <string>

namespace holdfast::ops {

enum class Severity { damage, warning };

inline const char* severity_name(Severity severity) {
    return severity == Severity::damage ? "damage" : "warning";
}

struct Finding {
    Severity severity = Severity::damage;
    std::string snapshot;   // empty: the repository itself
    std::string component;  // empty: the snapshot's own files
    std::string item;       // object, file or path inside a tree
    std::string what;
};

}  // namespace holdfast::ops
