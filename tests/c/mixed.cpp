// Code with exceptions and code without them in one program: the latter is no_exceptions.cpp, whose
// main has another name here. Neither may get inline functions that were compiled for the other.
#include "caretoken.hpp"

#include <cstdio>
#include <stdexcept>

caretoken::config sandbox_config(const std::string &vendor);
int without_exceptions();

int main() {
    auto config = sandbox_config("pattern");
    int events = 0;
    config.on_event([&](const caretoken::event &) {
        ++events;
        throw std::runtime_error("stopped at the library's border");
    }).value();
    caretoken::client::create(config).value().token().value();
    if (events != 2) {
        std::fprintf(stderr, "%d events\n", events);
        return 1;
    }
    return without_exceptions();
}
