// The C++ wrapper in a program without exceptions and without run-time type information.
#include "caretoken.hpp"

#include <cstdio>
#include <cstdlib>

#define CHECK(claim)                                                                 \
    do {                                                                             \
        if (!(claim)) {                                                              \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
            std::exit(1);                                                            \
        }                                                                            \
    } while (0)

int main() {
    auto unknown = caretoken::config::create("epic");
    CHECK(!unknown && unknown.error().field() == "vendor");

    auto config = caretoken::config::create("pattern");
    CHECK(config);
    for (const auto &[name, variable] : {std::pair("base_url", "PATTERN_BASE_URL"),
                                         std::pair("ca_file", "CARETOKEN_CA_FILE"),
                                         std::pair("client_id", "PATTERN_CLIENT_ID"),
                                         std::pair("client_secret", "PATTERN_CLIENT_SECRET")}) {
        CHECK(config->set(name, std::getenv(variable)));
    }
    CHECK(config->set("plain_http_to_loopback", "true"));
    int events = 0;
    CHECK(config->on_event([&](const caretoken::event &) { ++events; }));

    auto client = caretoken::client::create(*config);
    CHECK(client);
    const auto hit = client->token();
    auto token = client->token();
    CHECK(hit && hit->get() == token->get() && (*hit).vendor() == "pattern");
    CHECK(token && token->vendor() == "pattern" && events == 2);
    caretoken::token kept = *std::move(token);
    CHECK(kept.time_left() > caretoken::milliseconds(0));

    auto refused = client->token(caretoken::milliseconds(-1));
    CHECK(!refused && refused.error().status() == CARETOKEN_INVALID_SETTING);
    return 0;
}
