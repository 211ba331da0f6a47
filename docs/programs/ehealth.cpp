#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>

// Your database. It returns when the token is stored durably, and false if it could not be.
static bool store(std::string_view refresh_token) {
    std::cout << "stored a refresh token of " << refresh_token.size() << " bytes\n";
    return true;
}

int main() {
    try {
        auto config = caretoken::config::create("ehealth").value();
        config.set("base_url", std::getenv("EHEALTH_BASE_URL")).value();
        config.set("client_id", std::getenv("EHEALTH_CLIENT_ID")).value();
        config.set("client_secret", std::getenv("EHEALTH_CLIENT_SECRET")).value();
        // What your database has: the token, and when it ends in Unix milliseconds, as far as known.
        config.set("refresh_token", std::getenv("EHEALTH_REFRESH_TOKEN")).value();
        if (const char *end = std::getenv("EHEALTH_REFRESH_TOKEN_EXPIRES_AT_MS")) {
            config.set("refresh_token_expires_at_ms", end).value();
        }
        // The gateway's keys, where it asks for them.
        if (const char *key = std::getenv("EHEALTH_CUSTOM_PSK")) {
            config.set("custom_psk", key).value();
        }
        if (const char *key = std::getenv("EHEALTH_API_KEY")) {
            config.set("api_key", key).value();
        }
        if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
            config.set("ca_file", ca_file).value();
        }
        config.on_rotation(store).value();
        config.on_event([](const caretoken::event &event) {
            if (event.name == "sign_in_due") {
                std::cerr << "ask the person to sign in again: " << event.message << '\n';
            }
        }).value();
        auto client = caretoken::client::create(config).value();

        auto token = client.token().value();
        std::cout << "a token of " << token.access_token().size() << " bytes for the user "
                  << token.extra("user_id") << '\n';
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
