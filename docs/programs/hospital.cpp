#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>

// The settings of one site, from its own configuration.
static void set_network(caretoken::config &config) {
    // A proxy; without this line, HTTPS_PROXY, ALL_PROXY and NO_PROXY say which.
    if (const char *proxy = std::getenv("SITE_PROXY")) {
        config.set("proxy", proxy).value();
    }
    // The CA of a network that inspects TLS, or a private one; the public CAs stay trusted.
    if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
        config.set("ca_file", ca_file).value();
    }
    // Or all that the operating system trusts.
    if (std::getenv("SITE_TRUSTS_THE_SYSTEM")) {
        config.set("roots", "system").value();
    }
    // Mutual TLS, where the vendor's gateway asks for it.
    if (const char *certificate = std::getenv("SITE_CLIENT_CERTIFICATE")) {
        config.set("client_cert_file", certificate).value();
        config.set("client_key_file", std::getenv("SITE_CLIENT_KEY")).value();
    }
}

int main() {
    try {
        auto config = caretoken::config::create("pattern").value();
        config.set("base_url", std::getenv("PATTERN_BASE_URL")).value();
        config.set("client_id", std::getenv("PATTERN_CLIENT_ID")).value();
        config.set("client_secret", std::getenv("PATTERN_CLIENT_SECRET")).value();
        set_network(config);
        auto client = caretoken::client::create(config).value();
        if (auto token = client.token(); !token) {
            // For the ticket to the network's people.
            const auto report = client.doctor().value();
            std::cerr << token.error().line() << "\n\n" << report.text() << '\n';
            return EXIT_FAILURE;
        }
        std::cout << "the way is open\n";
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
