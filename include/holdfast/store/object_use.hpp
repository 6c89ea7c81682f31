// store/object_use.hpp - how much of an object the newest snapshot of a component uses.
#pragma once

#include <string>

#include "holdfast/wrap/digest.hpp"

namespace holdfast {

struct ObjectUse {
    std::string component;
    Digest object;
    std::uint64_t used_bytes = 0;   // plain; what a stream refers to twice counts twice
    std::uint64_t plain_bytes = 0;  // of the whole object

    bool operator==(const ObjectUse&) const = default;
};

}  // namespace holdfast
