// ops/drill.hpp - a rehearsal of recovery: every source into a scratch folder, by the code that a real restore uses, and timed.
//
// The scratch folder goes at the end unless it is to be kept; each source's part of it goes as soon as it was checked, if nothing
// is to be started on the whole. The drill is written to the ledger. A failure is a value in the report; thrown is only
// what keeps the drill from taking place at all.
#pragma once

#include "holdfast/ops/drill_record.hpp"
#include "holdfast/ops/drill_source.hpp"

namespace holdfast::ops {

namespace detail {

inline constexpr std::string_view kDrillPrefix = "holdfast-drill.";

/// Those of the configuration (a source that no snapshot holds will fail); without one those of the snapshot that is named,
/// or of the newest. Throws: not_found, corrupt.
inline std::vector<std::string> sources_to_drill(const Repository& repository, const DrillOptions& options) {
    if (!options.sources.empty()) return options.sources;
    std::vector<std::string> out;
    const bool is_named = options.pick == DrillOptions::Pick::named;
    if (!options.configured.empty() && !is_named) {
        for (const SourceConfig& s : options.configured) out.push_back(s.name);
        return out;
    }
    const Manifest m = find_snapshot(repository, is_named ? options.name : "latest");
    const auto add = [&](const std::string& source) {
        if (std::find(out.begin(), out.end(), source) == out.end()) out.push_back(source);
    };
    for (const Component& c : m.components) add(c.source);
    for (const MissingSource& missing : m.missing) add(missing.source);
    return out;
}

class Drill {
public:
    Drill(const Repository& repository, const DrillOptions& options)
        : repository_(repository), options_(options),
          folder_(scratch_of(repository, options) / (std::string(kDrillPrefix) + random_hex<4>())) {}

    DrillReport run() {
        static constexpr const char* kPicks[] = {"newest", "oldest", "random", "named"};
        report_.began = options_.now;
        report_.repository = repository_.root().string();
        report_.pick = kPicks[static_cast<std::size_t>(options_.pick)];
        report_.with_stock_tools = options_.with_stock_tools;
        report_.is_rehearsal = !options_.originals.empty();
        report_.config = options_.config;
        const FileLock lock = repository_.lock(LockMode::shared, options_.lock_wait);
        const std::vector<std::string> sources = sources_to_drill(repository_, options_);
        note_leftovers();
        make_directories(folder_.path());
        for (const std::string& source : sources) drill_source(source);
        if (!options_.config.start.empty()) start();
        measure_data_loss();
        judge_targets(report_);
        record();
        if (options_.keep) {
            report_.kept = folder_.path().string();
            folder_.keep();
        }
        return std::move(report_);
    }

private:
    /// Throws: io, refused.
    static fs::path scratch_of(const Repository& repository, const DrillOptions& options) {
        fs::path scratch = options.scratch.empty() ? fs::path(options.config.scratch) : options.scratch;
        if (scratch
                .empty())  // plain data must not lie beside a sealed repository: that may be others' storage
            scratch = repository.keyring() == nullptr ? repository.root().parent_path()
                                                      : host_cache_folder(repository.id()) / "drill";
        return fs::weakly_canonical(fs::absolute(scratch));
    }

    void note_leftovers() {
        const fs::path parent = folder_.path().parent_path();
        if (!fs::is_directory(parent)) return;
        for (const std::string& name : list_directory(parent))
            if (name.starts_with(kDrillPrefix))
                report_.notes.push_back(
                    in_quotes((parent / name).string()) +
                    " is left from a drill that was kept or killed; remove it when you need the space");
    }

    void drill_source(const std::string& source) {
        SourceDrill drill(repository_, options_, source, folder_.path());
        drill.run();
        for (std::size_t i = 0; i < kDrillPhases.size(); ++i) report_.seconds[i] += drill.out.seconds[i];
        report_.sources.push_back(std::move(drill.out));
        if (!options_.keep && options_.config.start.empty())  // room for the next
            for (const std::string& name : list_directory(folder_.path())) remove_tree(folder_.path() / name);
        if (drill.manifest) used_.insert_or_assign(drill.manifest->id, *drill.manifest);
    }

    void start() {
        const PhaseTimer timer(report_.seconds, DrillPhase::start);
        const DrillConfig& config = options_.config;
        const std::vector<std::string> environment =
            child_environment({"HOLDFAST_RESTORED=" + folder_.path().string(),
                               "HOLDFAST_SNAPSHOT=" + (used_.size() == 1 ? used_.begin()->first : "")});
        try {
            Child(config.shell ? shell_argv(config.start.at(0)) : config.start, config.start_timeout,
                  &environment)
                .finish();
        } catch (const Error& e) {
            report_.start_failure = DrillFailure{DrillPhase::start, e.kind(), e.what(), e.hint()};
        }
    }

    /// Of an old snapshot the age says nothing about what a disaster today would cost.
    void measure_data_loss() {
        if (options_.pick != DrillOptions::Pick::newest) return;
        for (const DrilledSource& s : report_.sources)
            if (s.started != SystemSeconds{})
                report_.data_loss =
                    std::max(report_.data_loss.value_or(std::chrono::seconds{0}), s.age(report_.began));
    }

    void record() {
        try {
            report_.history = read_past_drills(repository_);
            record_drill(repository_, report_, used_, options_.lock_wait);
        } catch (const Error& e) {
            report_.notes.push_back(std::string("the drill was not recorded in the ledger: ") + e.what());
        }
        report_.history.push_back(
            {format_utc(report_.began), report_.total_s(), std::string_view(report_.result()) == "passed"});
    }

    const Repository& repository_;
    const DrillOptions& options_;
    TempName folder_;
    DrillReport report_;
    std::map<std::string, Manifest> used_;
};

}  // namespace detail

struct PlannedDrill {
    std::string source, snapshot, trouble;  // why it would fail, or empty
    std::uint64_t bytes = 0;
};

/// What a drill would restore; nothing is written and no object is read. Throws: not_found, io.
inline std::vector<PlannedDrill> plan_drill(const Repository& repository, const DrillOptions& options) {
    std::vector<PlannedDrill> out;
    for (const std::string& source : detail::sources_to_drill(repository, options)) {
        PlannedDrill& plan = out.emplace_back(PlannedDrill{source, "", "", 0});
        try {
            plan.snapshot = detail::snapshot_to_drill(repository, options, source);
            const Manifest m = read_checked_manifest(repository, plan.snapshot);
            for (const Component* c : choose_components(m, ComponentChoice{{source}, {}, {}}))
                plan.bytes += c->tree ? c->tree->file_bytes : c->bytes;
        } catch (const Error& e) {
            plan.trouble = e.what();
        }
    }
    return out;
}

/// Throws: not_found (no snapshot at all), busy, io (no scratch folder can be made), interrupted.
inline DrillReport drill(const Repository& repository, const DrillOptions& options) {
    return detail::Drill(repository, options).run();
}

}  // namespace holdfast::ops
