#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>

// Whom to tell, and when to come back.
static void handle(const caretoken::error &error) {
    std::cerr << error.line() << '\n';  // safe to log: no secret, no part of an answer
    if (error.retryable()) {
        auto wait = error.retry_after().value_or(std::chrono::seconds(30));
        std::cout << "queue the work, and try again in " << wait.count() << " ms\n";
    } else if (error.actor() == "operator") {
        // Once: the same error comes back at once, and nothing is sent meanwhile.
        std::cout << "alert the operator: " << error.remedy() << '\n';
    } else if (error.actor() == "vendor") {
        std::cout << "open a ticket at " << error.vendor() << ", request " << error.request_id()
                  << '\n';
    } else {
        std::cout << "mend the program: " << error.field() << '\n';
    }
}

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

        auto token = client.token(std::chrono::seconds(2));
        if (!token) {
            handle(token.error());
            return EXIT_FAILURE;
        }
        std::cout << "a token\n";
    } catch (const caretoken::exception &e) {
        handle(e.error());
        return EXIT_FAILURE;
    }
}
