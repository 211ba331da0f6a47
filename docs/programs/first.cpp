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
        auto client = caretoken::client::create(config).value();

        caretoken::token token = client.token().value();
        std::cout << "a token of " << token.access_token().size() << " bytes\n";
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
