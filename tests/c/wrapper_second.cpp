// The second translation unit of wrapper.cpp.
#include "caretoken.hpp"

#include <cstdlib>
#include <map>
#include <stdexcept>

std::string vendor_of(const caretoken::token &token) { return std::string(token.vendor()); }

static std::string environment(std::string name) {
    for (char &c : name) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    const char *value = std::getenv(name.c_str());
    if (value == nullptr) {
        throw std::runtime_error(name);
    }
    return value;
}

caretoken::config sandbox_config(const std::string &vendor) {
    static const std::map<std::string, std::vector<std::string>> credentials = {
        {"ehealth", {"client_id", "client_secret", "refresh_token"}},
        {"edvak", {"client_id", "client_secret", "username", "password"}},
        {"pattern", {"client_id", "client_secret"}},
    };
    auto config = caretoken::config::create(vendor).value();
    config.set("base_url", environment(vendor + "_base_url")).value();
    config.set("plain_http_to_loopback", "true").value();
    config.set("ca_file", environment("caretoken_ca_file")).value();
    for (const std::string &name : credentials.at(vendor)) {
        config.set(name, environment(vendor + "_" + name)).value();
    }
    return config;
}
