// odr_b.cpp - the second file that includes every header; see odr_a.cpp.
#include "umbrella.hpp"

int from_b();

int from_b() { return 0; }
