#pragma once
namespace holdfast::ops { inline constexpr const char* kRecoverMd = ""; inline constexpr const char* kRecoverSh = ""; }
