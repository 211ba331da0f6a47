#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>

int main() {
    try {
        auto config = caretoken::config::create("pattern").value();
        config.set("base_url", std::getenv("PATTERN_BASE_URL")).value();
        config.set("client_id", std::getenv("PATTERN_CLIENT_ID")).value();
        config.set("client_secret", std::getenv("PATTERN_CLIENT_SECRET")).value();
        if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
            config.set("ca_file", ca_file).value();
        }
        // On the thread where it happens, maybe on several at once: keep it short.
        config.on_event([](const caretoken::event &event) {
            std::clog << event.message << '\n';
        }).value();
        auto client = caretoken::client::create(config).value();
        client.token().value();
        client.token().value();

        const auto stats = client.stats().value();
        std::cout << stats.hits << " from the cache, " << stats.fetches << " fetched, "
                  << stats.failures << " failed\n";
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
