#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>

int main() {
    try {
        auto config = caretoken::config::create("edvak").value();
        config.set("base_url", std::getenv("EDVAK_BASE_URL")).value();
        config.set("client_id", std::getenv("EDVAK_CLIENT_ID")).value();
        config.set("client_secret", std::getenv("EDVAK_CLIENT_SECRET")).value();
        config.set("username", std::getenv("EDVAK_USERNAME")).value();
        config.set("password", std::getenv("EDVAK_PASSWORD")).value();
        if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
            config.set("ca_file", ca_file).value();
        }
        auto client = caretoken::client::create(config).value();

        auto token = client.token();
        if (!token) {
            // Do not try again in a loop: each refused password counts towards a locked account.
            std::cerr << token.error().line() << '\n';
            return EXIT_FAILURE;
        }
        std::cout << "a token of " << token->access_token().size() << " bytes for the tenant "
                  << token->extra("tenant") << '\n';

        // When a person has typed a new login, both go in together.
        client.set_credentials({{"username", std::getenv("EDVAK_USERNAME")},
                                {"password", std::getenv("EDVAK_PASSWORD")}}).value();
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
