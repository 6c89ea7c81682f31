// support/damage.hpp - objects of a snapshot, and damage to them.
#pragma once

#include <fstream>

#include "holdfast/store/component_reader.hpp"
#include "holdfast/store/snapshot_index.hpp"

namespace holdfast::testing {

/// One bit in the middle; a second time heals it.
inline void flip_bit(const fs::path& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
    file.seekg(middle);
    const int byte = file.get();
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 4));
}

inline std::vector<Digest> objects_of(const Repository& repository, const std::string& snapshot) {
    const auto names = read_checksums(repository.snapshot(snapshot) / "SHA256SUMS").objects;
    return {names.begin(), names.end()};
}

/// The objects that hold the component's stream, in its order.
inline std::vector<Digest> data_objects(const Repository& repository, const Component& component) {
    ObjectReader reader(repository);
    std::vector<Digest> out;
    const ExtentSource extents = extents_of_component(reader, component);
    while (const auto extent = extents())
        if (std::find(out.begin(), out.end(), extent->object) == out.end()) out.push_back(extent->object);
    return out;
}

}  // namespace holdfast::testing
