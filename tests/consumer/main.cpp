// consumer - uses the installed library: the version of the package and one header that needs a
// C library, compiled with the consumer's own flags.
#include <holdfast/wrap/digest.hpp>

#include <iostream>
#include <string_view>

int main() {
    const std::string hex = holdfast::sha256(std::string_view{"abc"}).hex();
    const bool is_right = hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" &&
                          std::string_view{HOLDFAST_VERSION} == HOLDFAST_EXPECTED;
    std::cout << "holdfast " << HOLDFAST_VERSION << ", sha256(abc) = " << hex << '\n';
    return is_right ? 0 : 1;
}
