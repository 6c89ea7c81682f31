// wrap/time_zone.hpp - how far local time is from UTC, by the date library and the system's zone database.
//
// Only calendar rules and schedules need it: everything stored is UTC.
#pragma once

#include <date/tz.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <string>

#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/utc.hpp"

namespace holdfast {

class TimeZone {
public:
    /// A name of the IANA database: "UTC", "Europe/Berlin". Throws: config.
    static TimeZone find(const std::string& name) {
        try {
            return TimeZone{date::locate_zone(name)};
        } catch (const std::exception&) {
            throw Error(Kind::config, in_quotes(name) + " is not a time zone that this system knows",
                        "write a name such as UTC or Europe/Berlin; the package tzdata has them");
        }
    }

    /// The zone of /etc/localtime, which cron goes by (and not by TZ); UTC if there is none, as everywhere.
    /// Throws: config if it has no name there.
    static TimeZone of_host() {
        if (::access("/etc/localtime", F_OK) != 0 && errno == ENOENT) return find("UTC");
        try {
            return TimeZone{date::current_zone()};
        } catch (const std::exception&) {
            throw Error(Kind::config, "the zone of this host is not known: /etc/localtime names none",
                        "name one with --zone; timedatectl set-timezone makes a proper link");
        }
    }

    const std::string& name() const { return zone_->name(); }

    /// Local time minus UTC at that instant.
    std::chrono::seconds offset(SystemSeconds at) const { return zone_->get_info(at).offset; }

    /// A stretch of time, [begin, end), in which the offset is the same.
    struct Stretch {
        SystemSeconds begin, end;
        std::chrono::seconds offset;
    };
    Stretch stretch(SystemSeconds at) const {
        const date::sys_info info = zone_->get_info(at);
        return {info.begin, info.end, info.offset};
    }

private:
    explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}
    const date::time_zone* zone_;  // lives as long as the program
};

}  // namespace holdfast
