// odr_a.cpp - with odr_b.cpp: a definition that is not inline in some header is a link error here.
#include "umbrella.hpp"

int from_b();

int main() { return from_b(); }
