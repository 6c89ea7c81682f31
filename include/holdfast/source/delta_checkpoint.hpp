// source/delta_checkpoint.hpp - the files that a Parquet checkpoint of a Delta table names as live.
//
// Classic checkpoints, parts of them and sidecars have add actions; V2 checkpoints have them or name sidecars
// that do. Other columns are left alone. Format: "Checkpoints" in PROTOCOL.md of github.com/delta-io/delta.
#pragma once

#include <optional>
#include <string>

#include "holdfast/source/delta_log.hpp"
#include "holdfast/source/parquet_column.hpp"

namespace holdfast {

/// Feeds `log` with what the file adds. Throws: corrupt, refused (a feature that is not supported), io.
inline void read_delta_checkpoint(const ParquetFile& file, DeltaLog& log) {
    const auto path_leaf = file.find("add.path"), size_leaf = file.find("add.size");
    const auto sidecar_leaf = file.find("sidecar.path");
    if (path_leaf.has_value() != size_leaf.has_value() || (!path_leaf && !sidecar_leaf))
        throw Error(Kind::corrupt, "it has no columns add.path and add.size");
    if (path_leaf) {
        ParquetColumn path(file, *path_leaf, ParquetType::bytes), size(file, *size_leaf, ParquetType::int64);
        while (path.next() && size.next()) {
            if (!path.value()) continue;
            if (!size.value() || size.value()->number < 0)
                throw Error(Kind::corrupt, "it has a file without a size");
            log.add_file(path.value()->text, static_cast<std::uint64_t>(size.value()->number));
        }
    }
    if (sidecar_leaf) {
        ParquetColumn path(file, *sidecar_leaf, ParquetType::bytes);
        while (path.next())
            if (path.value()) log.add_sidecar(path.value()->text);
    }
}

}  // namespace holdfast
