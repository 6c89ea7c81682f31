// many_snapshots REPO SNAPSHOTS OBJECTS - fills an empty repository for bench/run.sh: a snapshot a day, each of which needs
// OBJECTS objects and shares all but one in a thousand with the one before. Objects are small, names and lists are real.
#include <fstream>

#include "holdfast/base/units.hpp"
#include "holdfast/ops/snapshot_summary.hpp"
#include "holdfast/store/checksums.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/manifest_json.hpp"

namespace {
using namespace holdfast;

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
Digest new_object(const Repository& repository) {
    const std::string content = random_hex<64>();
    const Digest name = sha256(content);
    write(repository.object(name), content);
    return name;
}
}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const Repository repository = Repository::open(argv[1]);
    const auto snapshots = parse_number<std::uint64_t>(argv[2]).value(),
               objects = parse_number<std::uint64_t>(argv[3]).value();
    std::vector<Digest> live;
    for (std::uint64_t i = 0; i < objects; ++i) live.push_back(new_object(repository));
    std::vector<LedgerWriter::Entry> history;
    for (std::uint64_t i = 0; i < snapshots; ++i) {
        for (std::uint64_t k = 0; k < objects / 1000; ++k)
            live[(i * 7919 + k * 104729) % objects] = new_object(repository);
        Manifest m;
        m.number = i + 1;
        m.repository = repository.id();
        m.type = "full";
        m.started = m.finished = now_utc() - std::chrono::days{snapshots - i};
        m.id = format_time(m.started, "%Y%m%dT%H%M%SZ-") + random_hex<3>();
        Component c;
        c.name = c.source = "dump";
        c.kind = "command";
        c.source_class = "data";
        c.digest = sha256(m.id);
        m.components = {c};
        m.object_count = objects;
        const std::string text = format_manifest(m), summary = ops::format_summary(m);
        Checksums sums{live, sha256(text), sha256(summary)};
        std::sort(sums.objects.begin(), sums.objects.end());
        fs::create_directory(repository.snapshot(m.id));
        write(repository.snapshot(m.id) / "manifest.json", text);
        write(repository.snapshot(m.id) / "summary.txt", summary);
        write(repository.snapshot(m.id) / "SHA256SUMS", format_checksums(sums));
        history.push_back({"snapshot", m.id, {{"manifest_sha256", sums.manifest->hex()}}});
        history.push_back({"verified", m.id, {{"level", "deep"}, {"result", "ok"}}});
    }
    LedgerWriter(repository, std::chrono::seconds{10}).append(history);
}
