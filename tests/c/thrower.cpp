// A shared object whose function throws.
#include "caretoken.hpp"

extern "C" __attribute__((visibility("default"))) void throw_one();

void throw_one() { caretoken::config::create("epic").value(); }
