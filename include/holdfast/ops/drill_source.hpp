// ops/drill_source.hpp - one source's way back, phase by phase, into a scratch folder.
//
// identify: which snapshot, and are its manifest, SHA256SUMS and signature what they should be. retrieve: every object that the source
// needs is read and held against its name. restore: the real restore. verify: check_restored.hpp. What fails ends the source
// in its phase and is a value; only what stops the whole drill is thrown.
#pragma once

#include <random>
#include <set>

#include "holdfast/ops/check_restored.hpp"
#include "holdfast/ops/compare_restored.hpp"
#include "holdfast/ops/drill_report.hpp"
#include "holdfast/ops/hash_objects.hpp"
#include "holdfast/ops/recovery_kit.hpp"
#include "holdfast/ops/restore.hpp"
#include "holdfast/ops/verify_files.hpp"

namespace holdfast::ops {

struct DrillOptions {
    enum class Pick { newest, oldest, random, named } pick = Pick::newest;
    std::string name;                  // of the snapshot, if it is named
    std::vector<std::string> sources;  // only these; empty: all
    std::vector<SourceConfig> configured;
    DrillConfig config;
    fs::path
        scratch;  // a folder for the folder of this drill; empty: as configured, else beside the repository
    fs::path originals;  // compare what was restored with DIR/<component>; empty: do not
    bool keep = false;
    bool with_stock_tools = false;
    SignatureRules signature{};  // what the configuration wants
    std::string key_file;        // of a sealed repository, for recover.sh; empty: it asks gpg
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;
    SystemSeconds now{};
};

namespace detail {

/// Adds the time from its construction to its destruction.
class PhaseTimer {
public:
    PhaseTimer(PhaseSeconds& seconds, DrillPhase phase) : out_(seconds[static_cast<std::size_t>(phase)]) {}
    PhaseTimer(const PhaseTimer&) = delete;
    PhaseTimer& operator=(const PhaseTimer&) = delete;
    ~PhaseTimer() {
        out_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    }

private:
    double& out_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

inline bool holds_source(const Manifest& m, const std::string& source) {
    return std::any_of(m.components.begin(), m.components.end(),
                       [&](const Component& c) { return c.source == source; });
}

/// The snapshot whose turn it is; never an emergency one unless it is named, for that holds what was to be replaced. Throws: not_found, corrupt (a newer one cannot be read), io.
inline std::string snapshot_to_drill(const Repository& repository, const DrillOptions& options,
                                     const std::string& source) {
    using Pick = DrillOptions::Pick;
    if (options.pick == Pick::named) return options.name;
    if (options.pick == Pick::newest) return find_snapshot(repository, "latest:" + source).id;
    SnapshotList list = list_snapshots(repository);
    std::erase_if(list.newest_first, [&](const Manifest& m) {
        return m.type == word_for(SnapshotType::emergency) || !holds_source(m, source);
    });
    if (list.newest_first.empty())
        throw Error(Kind::not_found,
                    "no snapshot but emergency ones holds a source named " + in_quotes(source),
                    "catalog lists what there is");
    if (options.pick == Pick::oldest) return list.newest_first.back().id;
    std::uniform_int_distribution<std::size_t> any(0, list.newest_first.size() - 1);
    std::random_device device;
    return list.newest_first[any(device)].id;
}

class SourceDrill {
public:
    SourceDrill(const Repository& repository, const DrillOptions& options, const std::string& source,
                const fs::path& scratch)
        : repository_(repository), options_(options), scratch_(scratch), progress_(options.show) {
        out.source = source;
    }

    /// Throws: interrupted.
    void run() {
        phase(DrillPhase::identify, [&] { identify(); });
        phase(DrillPhase::retrieve, [&] { retrieve(); });
        phase(DrillPhase::restore, [&] { restore_source(); });
        phase(DrillPhase::verify, [&] { verify(); });
    }

    DrilledSource out;
    std::optional<Manifest> manifest;

private:
    template <class Step>
    void phase(DrillPhase phase, Step step) {
        if (out.failure) return;
        const PhaseTimer timer(out.seconds, phase);
        try {
            step();
        } catch (const Error& e) {
            out.failure = DrillFailure{phase, e.kind(), e.what(), e.hint()};
        } catch (const fs::filesystem_error& e) {
            out.failure = DrillFailure{phase, Kind::io, e.what(), {}};
        }
    }

    void identify() {
        out.snapshot = snapshot_to_drill(repository_, options_, out.source);
        std::vector<Finding> findings;
        std::vector<Digest> objects;
        manifest = verify_files(repository_, out.snapshot, objects, findings);
        if (!findings.empty() || !manifest) {
            std::vector<std::string> what;
            for (const Finding& f : findings) what.push_back(f.item + " " + f.what);
            throw Error(Kind::corrupt, "snapshot " + out.snapshot + ": " + first_of(what),
                        "verify --all says which snapshots are whole");
        }
        check_signer();
        out.started = manifest->started;
        out.state = manifest->state();
        for (const std::string& why : manifest->suspect)
            out.warnings.push_back("the snapshot is suspect: " + why);
        if (!holds_source(*manifest, out.source))
            throw Error(Kind::not_found,
                        "snapshot " + out.snapshot + " holds no source " + in_quotes(out.source),
                        "catalog show " + out.snapshot + " lists what it holds");
        for (const MissingSource& m : manifest->missing)
            if (m.source == out.source)
                out.checks.push_back({m.source, "captured whole", CheckResult::State::failed,
                                      in_quotes(m.path) + " is not in the snapshot: " + m.reason});
    }

    /// As a restore would, but a wrong signature fails also where none is required: then this is not what was taken. Throws: crypto.
    void check_signer() {
        const SignatureCheck check =
            check_signature(repository_, out.snapshot, options_.signature, manifest->text_digest);
        if (check.state == Signed::missing && options_.signature.key.empty()) return;
        out.signature = check.text();
        require_signature(check, out.snapshot, options_.signature);
        const std::string text = "the signature of snapshot " + out.snapshot + " is " + check.text();
        if (check.state == Signed::bad)
            throw Error(Kind::crypto, text,
                        "use another snapshot or copy: somebody may have changed this one");
        if (check.state == Signed::other_key || check.state == Signed::unchecked)
            out.warnings.push_back(text);
    }

    std::vector<const Component*> components() const {
        return choose_components(*manifest, ComponentChoice{{out.source}, {}, {}});
    }

    /// Reads the objects with these names, which ascend. Throws: corrupt.
    void hash(const std::set<Digest>& names) {
        const std::vector<Digest> list(names.begin(), names.end());
        HashedObjects hashed;
        hash_objects(repository_, list, hashed, progress_);
        out.objects += hashed.whole.size();
        out.stored_bytes += hashed.stored_bytes;
        if (hashed.bad.empty()) return;
        std::vector<std::string> bad;
        for (const BadObject& object : hashed.bad)
            bad.push_back("object " + object.name.hex() + " " + object.why);
        const bool is_unreadable =
            std::all_of(hashed.bad.begin(), hashed.bad.end(),
                        [](const BadObject& object) { return object.state == ObjectState::unreadable; });
        throw Error(is_unreadable ? Kind::io : Kind::corrupt, first_of(bad),
                    "verify --all says what it touches, and which snapshots are whole");
    }

    void retrieve() {
        progress_.start("retrieve " + out.source);
        std::set<Digest> first, data;
        for (const Component* c : components()) {
            for (const Extent& extent : c->recipe.extents) first.insert(extent.object);
            if (c->index)
                for (const Extent& extent : c->index->extents) first.insert(extent.object);
        }
        hash(first);  // recipes first: they say which objects hold the data
        ObjectReader reader(repository_);
        for (const Component* c : components()) {
            const ExtentSource extents = extents_of_component(reader, *c);
            while (const auto extent = extents())
                if (!first.contains(extent->object)) data.insert(extent->object);
        }
        hash(data);
    }

    void restore_source() {
        if (options_.with_stock_tools) {
            run_recover_sh();
        } else {
            RestoreOptions options;
            options.choice.sources = {out.source};
            options.target = scratch_;
            options.lock_wait = options_.lock_wait;
            options.show = options_.show;
            const RestoreReport report = restore(repository_, *manifest, options);
            out.warnings.insert(out.warnings.end(), report.warnings.begin(), report.warnings.end());
        }
        for (const Component* c : components()) {
            ++out.components;
            out.files += c->tree ? c->tree->files : 1;
            out.bytes += c->tree ? c->tree->file_bytes : c->bytes;
        }
    }

    /// Nothing of ours takes part but the wait. The script is that of this version: who can write to the storage could put
    /// another one there, and it would run where the key is. Throws: corrupt, io.
    void run_recover_sh() {
        const fs::path script = repository_.root() / "recover.sh";
        if (read_file_if_any(script, 1_MiB) != kRecoverSh)
            out.warnings.push_back(
                "recover.sh in the repository is not that of this version: it is of another one, or somebody "
                "changed it; this version's was used");
        std::vector<std::string> argv = {"bash",       "-c",         kRecoverSh,
                                         "recover.sh", manifest->id, scratch_.string()};
        for (const Component* c : components()) argv.push_back(c->name);
        std::vector<std::string> ours = {"HOLDFAST_REPOSITORY=" + repository_.root().string()};
        if (!options_.key_file.empty())
            ours.push_back("HOLDFAST_KEY_FILE=" + fs::absolute(options_.key_file).string());
        const std::vector<std::string> environment = child_environment(ours);
        Child child(argv, std::chrono::hours{24}, &environment);
        const ExitStatus status = child.wait();
        if (status.is_success()) return;
        const std::vector<std::string_view> said = split(child.stderr_tail(), '\n');
        std::string why;
        for (const std::string_view line : said)
            if (line.find("error: ") != std::string_view::npos) why += ": " + printable(line);
        throw Error(status.code == 5 ? Kind::corrupt : Kind::io,
                    "recover.sh ended with " + status.text() + why, "run it by hand: " + script.string());
    }

    void verify() {
        progress_.start("verify " + out.source);
        const auto config = std::find_if(options_.configured.begin(), options_.configured.end(),
                                         [&](const SourceConfig& s) { return s.name == out.source; });
        for (const Component* c : components()) {
            const fs::path path = scratch_ / c->name;
            const auto results =
                check_restored(*c, path, config == options_.configured.end() ? nullptr : &*config,
                               manifest->started, manifest->id);
            out.checks.insert(out.checks.end(), results.begin(), results.end());
            if (!options_.originals.empty())
                out.checks.push_back(compare_restored(c->name, path, options_.originals / c->name));
        }
    }

    const Repository& repository_;
    const DrillOptions& options_;
    fs::path scratch_;
    Progress progress_;
};

}  // namespace detail

}  // namespace holdfast::ops
