// wrap/qr.hpp - text as QR codes, drawn as SVG, by libqrencode.
#pragma once

#include <qrencode.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/error.hpp"

namespace holdfast {

/// A code that a phone reads from paper: with this much text its squares are half a millimetre on a width of 6 cm.
inline constexpr std::size_t kMaxQrText = 600;

/// Pieces of at most kMaxQrText bytes, cut between lines, so that scanning programs that trim blanks lose nothing. One after
/// the other they are the text. Throws: internal (a line is too long).
inline std::vector<std::string> split_for_qr(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
        if (line.size() > kMaxQrText) throw Error(Kind::internal, "a line is too long for a QR code");
        if (parts.empty() || parts.back().size() + line.size() > kMaxQrText) parts.emplace_back();
        parts.back() += line;
        text.remove_prefix(line.size());
    }
    return parts;
}

/// One code with the quiet zone around it that readers need; every square is one unit. Throws: internal.
inline std::string qr_svg(std::string_view text) {
    struct Free {
        void operator()(QRcode* code) const noexcept { QRcode_free(code); }
    };
    // M: a seventh of it may be damaged. Version 0: as small as it gets.
    const std::unique_ptr<QRcode, Free> code{QRcode_encodeData(
        static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M)};
    if (!code) throw Error(Kind::internal, "text does not fit into a QR code");
    constexpr int kQuiet = 4;
    const std::string size = std::to_string(code->width + 2 * kQuiet);
    std::string path;
    for (int y = 0; y < code->width; ++y) {
        for (int x = 0, run = 0; x < code->width; x += run + 1) {
            run = 0;
            while (x + run < code->width && (code->data[y * code->width + x + run] & 1U) != 0) ++run;
            if (run > 0)
                path += "M" + std::to_string(x + kQuiet) + " " + std::to_string(y + kQuiet) + "h" +
                        std::to_string(run) + "v1h-" + std::to_string(run) + "z";
        }
    }
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + size + " " + size +
           "' shape-rendering='crispEdges'><path fill='#fff' d='M0 0h" + size + "v" + size +
           "H0z'/><path d='" + path + "'/></svg>\n";
}

}  // namespace holdfast
