// Catches what a function of another shared object throws.
#include "caretoken.hpp"

#include <dlfcn.h>

#include <cstdio>

int main(int count, char **arguments) {
    void *thrower = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
    void *found = thrower == nullptr ? nullptr : dlsym(thrower, "throw_one");
    if (found == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    try {
        reinterpret_cast<void (*)()>(found)();
    } catch (const caretoken::exception &thrown) {
        const caretoken::error why = thrown.error();
        return why.status() == CARETOKEN_INVALID_SETTING && why.field() == "vendor" ? 0 : 2;
    }
    return 3;
}
